//! Secrets at rest: tokens of providers, seeds of codes and kept answers are sealed before they reach a row.
//!
//! A sealed value is bound to its owner, column and row, so bytes copied to another tenant, record or column do not open. Each has a key of
//! its own, which the master key wraps: changing the master key changes the wrapping only.

mod purpose;
mod rotation;
#[cfg(test)]
mod rotation_tests;
mod store;
#[cfg(test)]
mod tests;
mod vault;

pub use purpose::{Owner, Purpose};
pub use rotation::{ColumnReport, Rotation, RotationReport, SEALED_COLUMNS, rotate};
pub use vault::{SecretError, Vault};
