//! Roles of an organization's own: a name and a set of rights. Nobody makes a role with rights that they do not have themselves.

mod error;
mod model;
mod service;
mod store;

pub use error::RoleError;
pub(super) use model::rights;
pub use model::{CustomRole, RoleDraft, RolePatch};
pub use service::{create, delete, list, patch, show};
pub(super) use store::resolve;
