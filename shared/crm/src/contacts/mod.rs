//! Contacts: the people an organization writes to, whether they agreed to it, and how they are imported.
//!
//! Consent has two places. `contacts.opt_in` is what the contact says today; `contact_exceptions` is what sending obeys, keyed by
//! address, and outlives the contact. Whoever changes the first writes the second in the same transaction.

pub mod error;
pub mod import;
pub mod model;
pub mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use error::ContactError;
pub use model::{Change, Contact, ContactFilter, ContactPatch, NewContact, OptIn};
