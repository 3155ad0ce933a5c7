//! Failures of identity, as clients see them.

use std::time::Duration;

use crm::identity::IdentityError;

use crate::problem::Problem;

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match &error {
            IdentityError::EmailTaken => Self::conflict("email-taken", &error).with_field("email", "taken", &error),
            IdentityError::WrongCredentials => Self::unauthorized("wrong-credentials", &error),
            IdentityError::SessionEnded => Self::unauthorized("session-ended", &error),
            IdentityError::Busy => Self::unavailable("sign-in-busy", &error, Duration::from_secs(2)),
            IdentityError::PasswordHash(_) | IdentityError::Store(_) => Self::internal(&error),
        }
    }
}
