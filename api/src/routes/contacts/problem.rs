//! What clients are told when a contact or an import does not do what was asked.

use crm::contacts::{ContactError, import::ImportError};

use crate::problem::Problem;

impl From<ContactError> for Problem {
    fn from(error: ContactError) -> Self {
        match error {
            ContactError::NotFound(_) => Self::not_found("contact-not-found", &error),
            ContactError::Invalid(errors) => errors.into(),
            ContactError::PhoneNumberTaken => Self::conflict("contact-phone-number-taken", &error),
            ContactError::Store(_) => Self::internal(&error),
        }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::NotFound(_) => Self::not_found("import-not-found", &error),
            ImportError::Store(_) => Self::internal(&error),
        }
    }
}
