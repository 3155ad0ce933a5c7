//! Organizations: the tenants, and what they tell about themselves.

mod error;
mod model;
pub mod service;
mod store;

pub use error::OrganizationError;
pub use model::Organization;
