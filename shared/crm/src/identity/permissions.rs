//! Who may do what: one table of rights, each with the built-in roles that have it.
//!
//! A right is also a type, so that a route's signature names the right it needs.

use super::rights::Role;

/// A right as a type: stands in the signature of the route that needs it.
pub trait Right: Send + Sync + 'static {
    /// The right.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal: $($role:ident)*;)+) => {
        /// One right.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission {
            $($(#[doc = $doc])+ $name,)+
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

            /// What it allows, in a sentence.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }

            /// The built-in roles that have it.
            pub const fn roles(self) -> &'static [Role] {
                match self {
                    $(Self::$name => &[$(Role::$role),*],)+
                }
            }
        }

        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Right for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+
    };
}

permissions! {
    /// See, make and revoke API keys.
    ApiKeysManage = "apiKeys.manage": Admin;
    /// See the audit log.
    AuditRead = "audit.read": Admin;
    /// See campaigns, their figures and recipients.
    CampaignsRead = "campaigns.read": Admin Marketing Agent Viewer Acquisitions Investor;
    /// Draft and change campaigns.
    CampaignsWrite = "campaigns.write": Admin Marketing;
    /// Launch, pause, resume and cancel campaigns.
    CampaignsSend = "campaigns.send": Admin Marketing;
    /// See the connected numbers.
    ChannelsRead = "channels.read": Admin Marketing Agent Viewer Acquisitions Caller Investor;
    /// Connect and change numbers.
    ChannelsManage = "channels.manage": Admin;
    /// See, create, deactivate and reactivate the organizations of the whole installation.
    ClientsManage = "clients.manage":;
    /// See contacts.
    ContactsRead = "contacts.read": Admin Marketing Agent Viewer Acquisitions Caller;
    /// Create, change and delete contacts.
    ContactsWrite = "contacts.write": Admin Marketing Agent Acquisitions Caller;
    /// Import contacts from files.
    ContactsImport = "contacts.import": Admin Marketing Acquisitions;
    /// See conversations and messages.
    ConversationsRead = "conversations.read": Admin Marketing Agent Viewer Acquisitions Caller;
    /// Answer, assign and close conversations; send single messages.
    ConversationsWrite = "conversations.write": Admin Agent Acquisitions Caller;
    /// See, retry and discard background jobs.
    JobsManage = "jobs.manage": Admin;
    /// See the mails that were sent; change their texts.
    MailManage = "mail.manage": Admin;
    /// Change the profile of the organization.
    OrganizationManage = "organization.manage": Admin;
    /// See, make, change and delete roles.
    RolesManage = "roles.manage": Admin;
    /// See templates.
    TemplatesRead = "templates.read": Admin Marketing Agent Viewer Acquisitions Investor;
    /// Draft, submit and delete templates.
    TemplatesWrite = "templates.write": Admin Marketing;
    /// See members, invite and disable them, change their roles.
    UsersManage = "users.manage": Admin;
    /// See stored webhook requests.
    WebhooksRead = "webhooks.read": Admin;
    /// Apply stored webhook requests again.
    WebhooksManage = "webhooks.manage": Admin;
}

impl Permission {
    /// The right of a word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == word)
    }

    /// Whether roles and API keys of an organization can hold it. What reaches beyond one organization, they cannot.
    pub const fn is_grantable(self) -> bool {
        !matches!(self, Self::ClientsManage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rights_share_a_word_and_each_is_found_by_it() {
        let words: std::collections::HashSet<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        assert_eq!(words.len(), Permission::ALL.len());
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
        }
        assert_eq!(Permission::parse("Contacts.read"), None);
    }

    #[test]
    fn a_description_is_a_sentence() {
        for permission in Permission::ALL {
            let text = permission.description();
            assert!(text.starts_with(char::is_uppercase) && text.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn the_table_is_sorted_by_domain() {
        let domains: Vec<_> = Permission::ALL.iter().filter_map(|permission| permission.as_str().split('.').next()).collect();
        assert!(domains.is_sorted(), "{domains:?}");
    }
}
