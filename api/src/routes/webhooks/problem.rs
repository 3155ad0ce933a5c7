//! Failures of webhooks, as clients and the provider see them.

use std::time::Duration;

use crm::webhooks::{IntakeError, WebhookError};

use crate::problem::Problem;

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match &error {
            WebhookError::NotFound(_) => Self::not_found("webhook-event-not-found", &error),
            WebhookError::Store(_) => Self::internal(&error),
        }
    }
}

/// Both mean to the provider: send it again.
impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match &error {
            IntakeError::Busy => Self::unavailable("overloaded", &error, Duration::from_secs(1)),
            IntakeError::Store => Self::unavailable("webhook-not-stored", &error, Duration::from_secs(2)),
        }
    }
}
