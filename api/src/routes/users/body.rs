//! A member as those see them who manage members.

use chrono::{DateTime, Utc};
use crm::identity::{RoleName, members::Member};
use kernel::{RoleId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// Somebody who belongs to the organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub(super) struct MemberBody {
    id: UserId,
    /// In lower case.
    email: String,
    first_name: String,
    /// May be empty.
    last_name: String,
    /// E.164.
    phone_number: Option<String>,
    /// Whether somebody has shown that they read the address.
    email_verified: bool,
    /// A built-in role, or the key of one of the organization's own.
    role: String,
    /// The role, if it is one of the organization's own.
    role_id: Option<RoleId>,
    /// `invited`, `active` or `disabled`.
    state: &'static str,
    /// When the newest invitation was sent.
    invited_at: Option<DateTime<Utc>>,
    /// When the member joined.
    joined_at: Option<DateTime<Utc>>,
    /// Since when the member is disabled.
    disabled_at: Option<DateTime<Utc>>,
    /// When one of the member's logins was made or renewed last.
    last_seen_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        Self {
            id: member.user,
            state: member.state().as_str(),
            role: member.role.to_string(),
            role_id: match member.role {
                RoleName::BuiltIn(_) => None,
                RoleName::Custom { id, .. } => Some(id),
            },
            email: member.email,
            first_name: member.first_name,
            last_name: member.last_name,
            phone_number: member.phone_number,
            email_verified: member.email_verified,
            invited_at: member.invited_at,
            joined_at: member.joined_at,
            disabled_at: member.disabled_at,
            last_seen_at: member.last_seen_at,
            created_at: member.created_at,
        }
    }
}
