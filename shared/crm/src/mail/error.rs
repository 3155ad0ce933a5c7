//! What can go wrong with mails.

use db::DbError;
use kernel::MailId;

use super::render::BrokenText;
use crate::fields::FieldErrors;

/// Why a use case of mail failed.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// There is no such mail, or it is another organization's.
    #[error("mail `{0}` does not exist")]
    NotFound(MailId),
    /// A text cannot be used as it is.
    #[error("the text of the mail cannot be used")]
    Invalid(#[from] FieldErrors),
    /// The account that asks is gone, or its address cannot be written to.
    #[error("there is no address to send the mail to")]
    NoRecipient,
    /// The database failed.
    #[error("cannot reach the rows of mails")]
    Store(#[from] DbError),
}

impl From<BrokenText> for MailError {
    fn from(broken: BrokenText) -> Self {
        Self::Invalid(broken.into())
    }
}
