//! Identifiers of every kind of record. The list is sorted and complete.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Makes a UUIDv7 that carries `now`, so that ids sort by creation time and tests can reproduce them.
fn uuid_at(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos()))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id that sorts by `now`.
            pub fn at(now: DateTime<Utc>) -> Self {
                Self(uuid_at(now))
            }

            /// The bare UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A key by which a program signs in.
    ApiKeyId,
    /// A mass-message campaign.
    CampaignId,
    /// A number that sends and receives: one WhatsApp business phone number.
    ChannelId,
    /// A person in the CRM.
    ContactId,
    /// An object in the store.
    FileId,
    /// An upload of contacts.
    ImportId,
    /// An entry of the job ledger.
    JobId,
    /// A mail to be sent.
    MailId,
    /// A link that is good once.
    OneTimeTokenId,
    /// A tenant: the company that uses the CRM.
    OrganizationId,
    /// Somebody forgot a password.
    PasswordResetRequestId,
    /// A role of an organization's own.
    RoleId,
    /// A login of a user: one family of refresh tokens.
    SessionId,
    /// A message template.
    TemplateId,
    /// A person who signs in.
    UserId,
    /// A stored webhook request.
    WebhookEventId,
}
