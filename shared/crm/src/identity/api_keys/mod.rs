//! Keys by which programs sign in: each with a set of rights, shown once, kept as a hash.
//!
//! A key belongs to the organization, not to whoever made it: it holds its rights until it ends, is revoked, or the organization is
//! deactivated.

mod error;
mod key;
mod model;
mod service;
mod store;

pub use error::ApiKeyError;
pub use key::{NewKey, PresentedKey};
pub use model::{ApiKey, ApiKeyDraft, Maker};
pub use service::{create, list, revoke};
