//! What can go wrong with channels.

use db::DbError;
use kernel::ChannelId;

use crate::{fields::FieldErrors, secrets::SecretError};

/// A use case of channels that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// There is no such channel in this organization.
    #[error("channel `{0}` does not exist")]
    NotFound(ChannelId),
    /// The input breaks rules.
    #[error("the channel is not valid")]
    Invalid(#[from] FieldErrors),
    /// Templates or campaigns refer to it.
    #[error("the channel is used by templates or campaigns")]
    InUse,
    /// The token cannot be sealed or opened.
    #[error("cannot keep the access token")]
    Secret(#[from] SecretError),
    /// The database refused or is away.
    #[error("cannot reach the rows of channels")]
    Store(#[source] DbError),
}

impl From<DbError> for ChannelError {
    fn from(error: DbError) -> Self {
        // 23503: a row that refers to the channel.
        if error.code().as_deref() == Some("23503") { Self::InUse } else { Self::Store(error) }
    }
}
