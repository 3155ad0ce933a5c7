//! Webhooks in: requests are stored raw and answered ([`Intake`]), then applied by the workers ([`Folder`]).
//!
//! The two never wait for each other. Storing reads nothing from a body, so none can block others; applying is repeatable, so a request
//! may come twice, late, or in any order, and ends in the same rows. The organization follows from the number alone, as connected by a
//! token that proved the right to it; what a body says about organizations is never asked.

mod error;
mod evidence;
mod fold;
mod folder;
mod intake;
pub mod jobs;
mod model;
mod reading;
pub mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::WebhookError;
pub use fold::Folded;
pub use folder::{Folder, WEBHOOKS_CHANNEL};
pub use intake::{Intake, IntakeError};
pub use model::{Event, EventFilter, EventState};
