//! Background work: the job ledger in PostgreSQL is the queue, Redis is only the doorbell.
//!
//! * [`Job`] is one kind of work: a payload of ids with a `run`.
//! * [`Enqueue`] writes a job in the caller's transaction; a rollback takes it along.
//! * [`Ledger`] claims, renews, settles and rescues, each by one conditional statement.
//! * [`Registry`] knows all kinds; [`execute`] runs one claimed job and settles it.
//! * [`doorbell`] tells workers at once what a poller would find within two seconds.
//! * [`admin`] is what operators see and do; [`testing`] runs due jobs inside a test.
//!
//! A job runs at least once; whoever lost its claim changes nothing in the ledger. This crate does not know which kinds of job there are,
//! nor how many run at once: that is the worker's. Sending messages is no job: see the lanes of the worker.

pub mod admin;
mod backoff;
mod context;
mod crash;
mod enqueue;
mod execute;
mod job;
mod ledger;
mod purge;
mod redis;
mod registry;
pub mod testing;
#[cfg(test)]
mod tests;
mod trace;

/// The doorbell. See the module's own words; nothing outside of it knows Redis.
pub mod doorbell {
    pub use crate::redis::{Doorbell, MAX_WAITING_RINGS, Ring, listen, ping};
}

pub use context::{JobContext, LeaseLost, Resources, Services, System, Tenant};
pub use crash::{arm_crash_points, crash_point, has_crash_points};
pub use enqueue::Enqueue;
pub use execute::{Outcome, Signals, execute};
pub use job::{BoxError, Job, JobError, Queue, Requirement};
pub use ledger::{Claim, Held, Lag, Ledger, Rescue};
pub use purge::Purge;
pub use registry::{Handlers, Registry, RegistryError};
