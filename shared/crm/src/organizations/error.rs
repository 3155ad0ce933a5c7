//! What can go wrong with organizations.

use db::DbError;

/// Why a use case of organizations did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum OrganizationError {
    /// The organization was deleted meanwhile.
    #[error("the organization does not exist")]
    NotFound,
    /// The database did not do its part.
    #[error("cannot reach the organizations")]
    Store(#[from] DbError),
}
