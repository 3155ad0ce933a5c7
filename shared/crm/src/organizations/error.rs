//! What can go wrong with organizations.

use db::DbError;
use kernel::OrganizationId;

use crate::{fields::FieldErrors, identity::MemberError};

/// Why a use case of organizations did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum OrganizationError {
    /// The organization was deleted meanwhile.
    #[error("the organization does not exist")]
    NotFound,
    /// The input breaks rules.
    #[error("the profile is not valid")]
    Invalid(#[from] FieldErrors),
    /// The database did not do its part.
    #[error("cannot reach the organizations")]
    Store(#[from] DbError),
}

/// Why a use case of the installation's staff did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is none with this id.
    #[error("client `{0}` does not exist")]
    NotFound(OrganizationId),
    /// The input breaks rules.
    #[error("the client is not valid")]
    Invalid(#[from] FieldErrors),
    /// Whoever asks would be locked out.
    #[error("your own organization cannot be deactivated")]
    Own,
    /// The first admin cannot be invited.
    #[error("the admin cannot be invited")]
    Invitation(#[from] MemberError),
    /// The database did not do its part.
    #[error("cannot reach the organizations")]
    Store(#[from] DbError),
}
