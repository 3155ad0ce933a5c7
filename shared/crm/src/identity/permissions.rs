//! Who may do what: one table of rights, each with the roles that have it.
//!
//! A right is also a type, so that a route's signature names the right it needs.

/// What a member may do in an organization, by and large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Runs the organization: everything.
    Admin,
    /// Builds audiences and templates, runs campaigns.
    Marketing,
    /// Answers chats.
    Agent,
    /// Looks on.
    Viewer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Marketing, Self::Agent, Self::Viewer];

    /// The word in the database and in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Marketing => "marketing",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
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

    /// All rights of this role.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

/// A right as a type: stands in the signature of the route that needs it.
pub trait Right: Send + Sync + 'static {
    /// The right.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $word:literal: $($role:ident)+;)+) => {
        /// One right.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission {
            $($(#[$doc])* $name,)+
        }

        impl Permission {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word by which it is known outside.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// The roles that have it.
            pub const fn roles(self) -> &'static [Role] {
                match self {
                    $(Self::$name => &[$(Role::$role),+],)+
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Right for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+
    };
}

permissions! {
    /// See campaigns, their figures and recipients.
    CampaignsRead = "campaigns.read": Admin Marketing Agent Viewer;
    /// Draft and change campaigns.
    CampaignsWrite = "campaigns.write": Admin Marketing;
    /// Launch, pause, resume and cancel campaigns.
    CampaignsSend = "campaigns.send": Admin Marketing;
    /// See the connected numbers.
    ChannelsRead = "channels.read": Admin Marketing Agent Viewer;
    /// Connect and change numbers.
    ChannelsManage = "channels.manage": Admin;
    /// See contacts.
    ContactsRead = "contacts.read": Admin Marketing Agent Viewer;
    /// Create, change and delete contacts.
    ContactsWrite = "contacts.write": Admin Marketing Agent;
    /// Import contacts from files.
    ContactsImport = "contacts.import": Admin Marketing;
    /// See conversations and messages.
    ConversationsRead = "conversations.read": Admin Marketing Agent Viewer;
    /// Answer, assign and close conversations; send single messages.
    ConversationsWrite = "conversations.write": Admin Agent;
    /// See, retry and discard background jobs.
    JobsManage = "jobs.manage": Admin;
    /// Change the profile of the organization.
    OrganizationManage = "organization.manage": Admin;
    /// See templates.
    TemplatesRead = "templates.read": Admin Marketing Agent Viewer;
    /// Draft, submit and delete templates.
    TemplatesWrite = "templates.write": Admin Marketing;
    /// See stored webhook requests.
    WebhooksRead = "webhooks.read": Admin;
    /// Apply stored webhook requests again.
    WebhooksManage = "webhooks.manage": Admin;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_has_every_right() {
        assert_eq!(Role::Admin.permissions().count(), Permission::ALL.len());
    }

    #[test]
    fn a_viewer_only_reads() {
        assert!(Role::Viewer.permissions().all(|permission| permission.as_str().rsplit('.').next() == Some("read")));
    }

    #[test]
    fn no_two_rights_share_a_word() {
        let words: std::collections::HashSet<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        assert_eq!(words.len(), Permission::ALL.len());
    }

    #[test]
    fn every_role_survives_its_word() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Admin"), None);
    }
}
