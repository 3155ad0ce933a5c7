//! What tests of the whole product are made of, and the programs that show and measure it.
//!
//! * [`simulator`] stands in for the provider, with a ledger of what was really sent and switches for faults.
//! * [`app`] is the real router over a database of its own; [`world`] adds a worker and the simulator, in one process.
//! * [`processes`] runs the real programs beside a private PostgreSQL and Redis, so that [`chaos`] can hurt them.
//! * [`demo`] and [`mod@bench`] are what `deploy/local up` and `deploy/local bench` run.
//!
//! The tests themselves are in `tests/tests`: `e2e`, `contract` and `chaos`, one program each. This crate sees all others; none sees it.

pub mod app;
pub mod bench;
pub mod chaos;
pub mod clock;
pub mod demo;
pub mod processes;
pub mod simulator;
pub mod world;
