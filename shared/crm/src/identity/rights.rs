//! Sets of rights, and the roles that stand for them.

use std::{fmt, sync::Arc};

use kernel::RoleId;

use super::permissions::Permission;

/// A set of rights.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rights(u64);

// One bit for each right.
const _: () = assert!(Permission::ALL.len() <= 64);

impl Rights {
    /// No right at all.
    pub const NONE: Self = Self(0);

    /// The rights of words. Words that are no rights are left out: a right that went with its routes allows nothing.
    pub fn of_words<S: AsRef<str>>(words: &[S]) -> Self {
        words.iter().filter_map(|word| Permission::parse(word.as_ref())).collect()
    }

    /// Whether the right is among them.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// Whether each of `other` is among them.
    pub const fn include(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | bit(permission))
    }

    /// Those of them that roles and API keys can hold, see [`Permission::is_grantable`].
    #[must_use]
    pub fn grantable(self) -> Self {
        self.iter().filter(|permission| permission.is_grantable()).collect()
    }

    /// Each of them, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }

    /// Their words, in the order of the table.
    pub fn words(self) -> Vec<&'static str> {
        self.iter().map(Permission::as_str).collect()
    }
}

const fn bit(permission: Permission) -> u64 {
    1 << permission as u32
}

impl FromIterator<Permission> for Rights {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.words()).finish()
    }
}

/// A role that every organization has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Runs the organization: everything in it.
    Admin,
    /// Builds audiences and templates, runs campaigns.
    Marketing,
    /// Answers chats.
    Agent,
    /// Looks on.
    Viewer,
    /// Finds and qualifies people.
    Acquisitions,
    /// Calls and writes to people.
    Caller,
    /// Looks at figures.
    Investor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Admin, Self::Marketing, Self::Agent, Self::Viewer, Self::Acquisitions, Self::Caller, Self::Investor];

    /// The word by which it is known.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Marketing => "marketing",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
            Self::Acquisitions => "acquisitions",
            Self::Caller => "caller",
            Self::Investor => "investor",
        }
    }

    /// What it is for, in a sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Admin => "Runs the organization: everything in it.",
            Self::Marketing => "Builds audiences and templates, runs campaigns.",
            Self::Agent => "Answers chats.",
            Self::Viewer => "Looks on.",
            Self::Acquisitions => "Finds and qualifies people.",
            Self::Caller => "Calls and writes to people.",
            Self::Investor => "Looks at figures.",
        }
    }

    /// The role of a word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether members of this role have the right.
    pub fn has(self, permission: Permission) -> bool {
        permission.roles().contains(&self)
    }

    /// The rights of this role.
    pub fn rights(self) -> Rights {
        Permission::ALL.iter().copied().filter(|permission| self.has(*permission)).collect()
    }
}

/// Which role a member has: a built-in one, or one of the organization's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleName {
    /// One that every organization has.
    BuiltIn(Role),
    /// One of the organization's own.
    Custom {
        /// Names it.
        id: RoleId,
        /// The word by which it is known; never that of a built-in role.
        key: Arc<str>,
    },
}

impl RoleName {
    /// What the database holds in place of a role of the organization's own.
    pub(super) const CUSTOM: &'static str = "custom";

    /// The word by which it is known.
    pub fn as_str(&self) -> &str {
        match self {
            Self::BuiltIn(role) => role.as_str(),
            Self::Custom { key, .. } => key,
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_has_every_right_inside_the_organization_and_none_beyond() {
        let all: Rights = Permission::ALL.iter().copied().collect();
        assert_eq!(Role::Admin.rights(), all.grantable());
        assert!(!Role::Admin.has(Permission::ClientsManage));
    }

    #[test]
    fn those_who_look_on_only_read() {
        for role in [Role::Viewer, Role::Investor] {
            assert!(role.rights().words().iter().all(|word| word.rsplit('.').next() == Some("read")), "{role:?}");
        }
        assert!(!Role::Viewer.has(Permission::AuditRead));
    }

    #[test]
    fn callers_and_acquisitions_do_their_work_and_no_more() {
        let caller = ["channels.read", "contacts.read", "contacts.write", "conversations.read", "conversations.write"];
        assert_eq!(Role::Caller.rights().words(), caller);
        let acquisitions =
            Rights::of_words(&caller).with(Permission::ContactsImport).with(Permission::CampaignsRead).with(Permission::TemplatesRead);
        assert_eq!(Role::Acquisitions.rights(), acquisitions);
        assert_eq!(Role::Investor.rights().words(), ["campaigns.read", "channels.read", "templates.read"]);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let some = Rights::NONE.with(Permission::ContactsRead).with(Permission::WebhooksManage);
        assert!(some.contains(Permission::ContactsRead) && !some.contains(Permission::ContactsWrite));
        assert_eq!(some.words(), ["contacts.read", "webhooks.manage"]);
        assert!(some.include(Rights::NONE) && some.include(some));
        assert!(!some.include(some.with(Permission::JobsManage)));
        assert_eq!(Rights::of_words(&["contacts.read", "nothing.known", "webhooks.manage"]), some);
    }

    #[test]
    fn every_role_survives_its_word() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Admin"), None);
        assert_eq!(Role::parse(RoleName::CUSTOM), None);
    }
}
