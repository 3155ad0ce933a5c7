//! What can go wrong with stored webhook requests.

use db::DbError;
use kernel::WebhookEventId;

/// A use case that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No such request, or it belongs to somebody else.
    #[error("webhook event `{0}` does not exist")]
    NotFound(WebhookEventId),
    /// The database failed.
    #[error("cannot reach the stored webhook requests")]
    Store(#[from] DbError),
}
