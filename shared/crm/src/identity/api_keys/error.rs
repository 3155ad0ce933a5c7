//! What can go wrong with API keys.

use db::DbError;
use kernel::ApiKeyId;

use crate::fields::FieldErrors;

/// Why a use case of API keys did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The organization has no such key, or it was revoked.
    #[error("API key `{0}` does not exist")]
    NotFound(ApiKeyId),
    /// The input breaks rules.
    #[error("the API key is not valid")]
    Invalid(#[from] FieldErrors),
    /// Whoever asks has not all the rights that the key is to have.
    #[error("the API key would have rights that you do not have")]
    RightsExceeded,
    /// The organization has as many as it can have.
    #[error("an organization has at most {0} API keys")]
    TooMany(i64),
    /// The database did not do its part.
    #[error("cannot reach the API keys")]
    Store(#[from] DbError),
}
