//! The members of an organization: invited, active, disabled; and which role each has.
//!
//! Nobody gives away what they do not have themselves: who changes a member needs all rights that the member has, and all that the member
//! is to get. Nobody changes how they stand themselves, and the last active admin stays one.

mod error;
mod joining;
mod model;
mod service;
mod store;
#[cfg(test)]
pub(in crate::identity) mod tests;

pub use error::MemberError;
pub use model::{Authority, Invitation, Member, MemberState};
pub use service::{disable, enable, holding, invite, list, resend_invitation, revoke_sessions, set_role, show, take_two_step, withdraw};
