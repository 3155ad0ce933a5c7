//! What a member is.

use chrono::{DateTime, Utc};
use kernel::{EmailAddress, OrganizationId, UserId};

use crate::identity::rights::{Rights, Role, RoleName};

/// Somebody who belongs to an organization.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub user: UserId,
    /// In lower case.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name; may be empty.
    pub last_name: String,
    /// E.164.
    pub phone_number: Option<String>,
    /// Whether somebody has shown that they read the address.
    pub email_verified: bool,
    /// The member's role.
    pub role: RoleName,
    /// When the newest invitation was sent.
    pub invited_at: Option<DateTime<Utc>>,
    /// When the member joined.
    pub joined_at: Option<DateTime<Utc>>,
    /// Since when the member is disabled.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When one of the member's logins was made or renewed last, which happens every few minutes while somebody works.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When the member was added.
    pub created_at: DateTime<Utc>,
}

impl Member {
    /// Where the member stands.
    pub fn state(&self) -> MemberState {
        if self.disabled_at.is_some() {
            MemberState::Disabled
        } else if self.joined_at.is_some() {
            MemberState::Active
        } else {
            MemberState::Invited
        }
    }
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// Has not joined yet.
    Invited,
    /// Can sign in.
    Active,
    /// Cannot sign in.
    Disabled,
}

impl MemberState {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// On whose authority something is granted or changed.
#[derive(Clone, Copy, Debug)]
pub struct Authority {
    /// Whose members.
    pub organization: OrganizationId,
    /// The person; none for programs and for the installation's staff.
    pub user: Option<UserId>,
    /// What they may do themselves.
    pub rights: Rights,
}

impl Authority {
    /// That of the installation's staff: an admin's.
    pub fn of_staff(organization: OrganizationId) -> Self {
        Self { organization, user: None, rights: Role::Admin.rights() }
    }
}

/// Somebody is to be invited; all fields are checked, the role is the word as it was given.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Where the mail goes.
    pub email: EmailAddress,
    /// Given name, 1 to 100 characters.
    pub first_name: String,
    /// Family name, up to 100 characters.
    pub last_name: String,
    /// A built-in role, or the key of one of the organization's own.
    pub role: String,
}

/// A member whose row is locked, as far as changing it needs.
#[derive(Clone, Debug)]
pub(super) struct Locked {
    pub(super) user: UserId,
    pub(super) role: RoleName,
    pub(super) rights: Rights,
    pub(super) joined: bool,
    pub(super) disabled: bool,
}

impl Locked {
    /// Whether they run the organization at this moment.
    pub(super) fn is_active_admin(&self) -> bool {
        self.role == RoleName::BuiltIn(Role::Admin) && self.joined && !self.disabled
    }
}
