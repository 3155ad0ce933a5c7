//! What clients are told when a member does not do what was asked.

use crm::identity::MemberError;

use crate::problem::Problem;

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::NotFound(_) => Self::not_found("user-not-found", &error),
            MemberError::Invalid(errors) => errors.into(),
            MemberError::EmailTaken => Self::conflict("email-taken", &error).with_field("email", "taken", &error),
            MemberError::RightsExceeded => Self::forbidden("rights-exceeded", &error),
            MemberError::Own | MemberError::OwnTwoStep => Self::conflict("user-is-yourself", &error),
            MemberError::LastAdmin => Self::conflict("user-is-last-admin", &error),
            MemberError::AlreadyJoined => Self::conflict("user-already-joined", &error),
            MemberError::TwoStepOff => Self::conflict("two-step-off", &error),
            MemberError::Disabled => Self::conflict("user-disabled", &error),
            MemberError::Store(_) => Self::internal(&error),
        }
    }
}
