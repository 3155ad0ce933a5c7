//! What tests of the whole product are made of, and the programs that show and measure it.
//!
//! * [`simulator`] stands in for the provider, with a ledger of what was really sent and switches for faults.
//! * [`app`] is the real router over a database of its own; [`world`] adds a worker and the simulator, in one process.
//! * [`accounts`] has the links of mails and the codes of two-step logins.
//! * [`smtp`] is a mail server that keeps what it is sent; [`mail`] reads that, and the files that stand in for it.
//! * [`processes`] runs the real programs beside a private PostgreSQL and Redis, so that [`chaos`] can hurt them.
//! * [`wait`] is how all of them await what other processes do.
//! * [`demo`] and [`mod@bench`] are what `deploy/local up` and `deploy/local bench` run.
//!
//! The tests themselves are in `tests/tests`: `e2e`, `contract`, `security` and `chaos`, one program each. This crate sees all others; none sees it.

pub mod accounts;
pub mod app;
pub mod bench;
pub mod chaos;
pub mod clock;
pub mod demo;
pub mod mail;
pub mod processes;
pub mod simulator;
pub mod smtp;
pub mod wait;
pub mod world;
