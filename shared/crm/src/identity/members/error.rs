//! What can go wrong with members.

use db::DbError;
use kernel::UserId;

use crate::fields::FieldErrors;

/// Why a use case of members did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// Nobody of the organization has this id.
    #[error("member `{0}` does not exist")]
    NotFound(UserId),
    /// The input breaks rules.
    #[error("the member is not valid")]
    Invalid(#[from] FieldErrors),
    /// Somebody has an account with this address.
    #[error("an account with this e-mail address exists")]
    EmailTaken,
    /// Whoever asks has not all the rights that are at stake.
    #[error("the member has, or would have, rights that you do not have")]
    RightsExceeded,
    /// Whoever asks would change how they stand themselves.
    #[error("nobody changes their own role or disables themselves")]
    Own,
    /// Nobody would be left who runs the organization.
    #[error("an organization keeps at least one active admin")]
    LastAdmin,
    /// There is no invitation that could be sent again or withdrawn.
    #[error("the member has joined already")]
    AlreadyJoined,
    /// A disabled member is not invited.
    #[error("the member is disabled")]
    Disabled,
    /// The member signs in without a second step.
    #[error("the member's two-step login is off")]
    TwoStepOff,
    /// Whoever asks would take their own second step away past the rules for it.
    #[error("your own two-step login is switched off with your account, not among the members")]
    OwnTwoStep,
    /// The database did not do its part.
    #[error("cannot reach the members")]
    Store(#[from] DbError),
}
