//! What can go wrong with contacts.

use db::DbError;
use kernel::ContactId;

use crate::fields::FieldErrors;

/// A use case of contacts that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// There is no such contact in this organization.
    #[error("contact `{0}` does not exist")]
    NotFound(ContactId),
    /// The input breaks rules.
    #[error("the contact is not valid")]
    Invalid(#[from] FieldErrors),
    /// Another contact of the organization has the number.
    #[error("another contact has this phone number")]
    PhoneNumberTaken,
    /// The database refused or is away.
    #[error("cannot reach the rows of contacts")]
    Store(#[source] DbError),
}

impl From<DbError> for ContactError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("contacts_organization_id_phone_number_key") => Self::PhoneNumberTaken,
            _ => Self::Store(error),
        }
    }
}
