//! Failures of clients, as staff sees them.

use crm::{identity::MemberError, organizations::ClientError};

use crate::problem::Problem;

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotFound(_) => Self::not_found("client-not-found", &error),
            ClientError::Invalid(errors) => errors.into(),
            ClientError::Own => Self::conflict("client-is-own", &error),
            ClientError::Invitation(cause @ MemberError::EmailTaken) => {
                Self::conflict("email-taken", &cause).with_field("adminEmail", "taken", &cause)
            }
            ClientError::Invitation(cause) => cause.into(),
            ClientError::Store(_) => Self::internal(&error),
        }
    }
}
