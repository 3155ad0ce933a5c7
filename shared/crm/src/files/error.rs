//! What can go wrong with files.

use db::DbError;
use providers::objects::ObjectError;

/// Why a use case of files did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file.
    #[error("the file does not exist")]
    NotFound,
    /// The organization has no logo.
    #[error("the organization has no logo")]
    NoLogo,
    /// Somebody removed the upload before it was complete.
    #[error("the upload was given up before it was complete")]
    GivenUp,
    /// The object store did not do its part.
    #[error("cannot reach the store of files")]
    Object(#[from] ObjectError),
    /// The database did not do its part.
    #[error("cannot reach the files")]
    Store(#[from] DbError),
}
