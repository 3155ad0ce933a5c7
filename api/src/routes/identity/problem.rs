//! Failures of identity, as clients see them.

use std::time::Duration;

use crm::identity::IdentityError;

use crate::problem::Problem;

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match &error {
            IdentityError::EmailTaken => Self::conflict("email-taken", &error).with_field("email", "taken", &error),
            IdentityError::UsernameTaken => Self::conflict("username-taken", &error).with_field("username", "taken", &error),
            IdentityError::PhoneTaken => Self::conflict("phone-taken", &error).with_field("whatsappPhone", "taken", &error),
            IdentityError::WrongCredentials => Self::unauthorized("wrong-credentials", &error),
            IdentityError::TooManyFailures(wait) => {
                let wait = wait.to_std().unwrap_or(Duration::from_secs(1));
                Self::new(axum::http::StatusCode::TOO_MANY_REQUESTS, "too-many-failed-logins", &error).with_retry_after(wait)
            }
            IdentityError::TwoStepRequired => Self::unauthorized("two-step-required", &error),
            IdentityError::WrongCode => Self::unauthorized("two-step-code-wrong", &error),
            IdentityError::WrongPassword => Self::field("password", "wrong", &error),
            IdentityError::PasswordNeeded => Self::field("password", "missing", &error),
            IdentityError::CodeNeeded => Self::field("code", "missing", &error),
            IdentityError::Password(rule) => Self::field("newPassword", rule.code(), &error),
            IdentityError::LinkInvalid => Self::invalid("link-invalid", &error),
            IdentityError::SessionEnded => Self::unauthorized("session-ended", &error),
            IdentityError::SessionNotFound => Self::not_found("session-not-found", &error),
            IdentityError::UserNotFound => Self::not_found("user-not-found", &error),
            IdentityError::TwoStepOn => Self::conflict("two-step-on", &error),
            IdentityError::TwoStepOff => Self::conflict("two-step-off", &error),
            IdentityError::Busy => Self::unavailable("sign-in-busy", &error, Duration::from_secs(2)),
            IdentityError::PasswordHash(_) | IdentityError::Secret(_) | IdentityError::Store(_) => Self::internal(&error),
        }
    }
}
