//! Organizations: the tenants, what they tell about themselves, and how far they have come.
//!
//! To the installation's staff an organization is a client: [`clients`] works across organizations.

pub mod clients;
mod error;
mod model;
pub mod onboarding;
mod rules;
pub mod service;
mod store;
#[cfg(test)]
mod tests;

pub use clients::{Client, ClientFilter, ClientPatch, NewAdmin, NewClient};
pub use error::{ClientError, OrganizationError};
pub use model::{Organization, ProfilePatch};
pub use onboarding::{Onboarding, Step, StepKey};
