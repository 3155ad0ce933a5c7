//! What can go wrong with roles.

use db::DbError;
use kernel::RoleId;

use crate::fields::FieldErrors;

/// Why a use case of roles did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The organization has no such role of its own.
    #[error("role `{0}` does not exist")]
    NotFound(RoleId),
    /// The input breaks rules.
    #[error("the role is not valid")]
    Invalid(#[from] FieldErrors),
    /// Another role is known by the same word.
    #[error("another role has this name")]
    NameTaken,
    /// Whoever asks has not all the rights that are at stake.
    #[error("the role has, or would have, rights that you do not have")]
    RightsExceeded,
    /// Members have it.
    #[error("a role that members have cannot be deleted")]
    InUse,
    /// The organization has as many as it can have.
    #[error("an organization has at most {0} roles of its own")]
    TooMany(usize),
    /// The database did not do its part.
    #[error("cannot reach the roles")]
    Store(#[from] DbError),
}
