//! Why a request with a key is not answered by its handler.

use db::DbError;

use crate::secrets::SecretError;

/// Why a request with a key is not answered by its handler.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The key has another form.
    #[error("a key has 1 to 255 visible characters")]
    Malformed,
    /// The same request is being answered at this moment.
    #[error("the request with this key is still being answered")]
    InFlight,
    /// The same request took effect, and what was answered is not known any more.
    #[error("the request with this key took effect, but its answer was lost; look at what it made instead of repeating it")]
    AnswerLost,
    /// The key was used for another request.
    #[error("the key was used for another request")]
    Reused,
    /// The answer cannot be sealed or opened.
    #[error("cannot seal or open a kept answer")]
    Sealing(#[from] SecretError),
    /// The rows cannot be reached.
    #[error("cannot reach the keys of requests")]
    Store(#[from] DbError),
}
