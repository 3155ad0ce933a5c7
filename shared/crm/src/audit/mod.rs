//! Who did what: an append-only log, in which each entry of an organization is chained to the one before it by a hash.
//!
//! [`record`] writes an entry in the transaction of the act itself, so that there is no act without its entry and no entry without its
//! act. Entries name people, keys and records by id only: what they are called is looked up when somebody reads, and erasing a person
//! leaves the chain whole. [`verify`] walks the chains again and names the first entry that does not fit. The newest link of each chain
//! goes to the logs every hour ([`Anchor`]), where whoever owns the database cannot change it.

mod anchor;
mod chain;
pub mod export;
mod jobs;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod verify;

pub use anchor::{Anchored, Anchors};
pub use chain::{Link, LinkHash};
pub use jobs::Anchor;
pub use model::{Act, Actor, ActorKind, ActorView, AuditEvent, AuditFilter, Target};
pub use service::{heads, list, record};
pub use verify::{Fault, FaultKind, Report, verify};
