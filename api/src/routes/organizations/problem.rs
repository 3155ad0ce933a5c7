//! Failures of organizations, as clients see them.

use crm::organizations::OrganizationError;

use crate::problem::Problem;

impl From<OrganizationError> for Problem {
    fn from(error: OrganizationError) -> Self {
        match error {
            OrganizationError::NotFound => Self::not_found("organization-not-found", &error),
            OrganizationError::Invalid(errors) => errors.into(),
            OrganizationError::Store(_) => Self::internal(&error),
        }
    }
}
