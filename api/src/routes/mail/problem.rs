//! What clients are told when a mail or its text does not do what was asked.

use crm::mail::MailError;

use crate::problem::Problem;

impl From<MailError> for Problem {
    fn from(error: MailError) -> Self {
        match error {
            MailError::NotFound(_) => Self::not_found("mail-not-found", &error),
            MailError::Invalid(errors) => errors.into(),
            MailError::NoRecipient => Self::conflict("mail-without-recipient", &error),
            MailError::Store(_) => Self::internal(&error),
        }
    }
}
