//! What clients are told when an API key does not do what was asked.

use crm::identity::api_keys::ApiKeyError;

use crate::problem::Problem;

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::NotFound(_) => Self::not_found("api-key-not-found", &error),
            ApiKeyError::Invalid(errors) => errors.into(),
            ApiKeyError::RightsExceeded => Self::forbidden("rights-exceeded", &error),
            ApiKeyError::TooMany(_) => Self::conflict("too-many-api-keys", &error),
            ApiKeyError::Store(_) => Self::internal(&error),
        }
    }
}
