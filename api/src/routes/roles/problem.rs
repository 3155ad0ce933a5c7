//! What clients are told when a role does not do what was asked.

use crm::identity::roles::RoleError;

use crate::problem::Problem;

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotFound(_) => Self::not_found("role-not-found", &error),
            RoleError::Invalid(errors) => errors.into(),
            RoleError::NameTaken => Self::conflict("role-name-taken", &error).with_field("name", "taken", &error),
            RoleError::RightsExceeded => Self::forbidden("rights-exceeded", &error),
            RoleError::InUse => Self::conflict("role-in-use", &error),
            RoleError::TooMany(_) => Self::conflict("too-many-roles", &error),
            RoleError::Store(_) => Self::internal(&error),
        }
    }
}
