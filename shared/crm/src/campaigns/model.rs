//! What a campaign is, and which states it and its messages can be in. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::DbError;
use kernel::{CampaignId, ChannelId, ContactId, TemplateId};
use serde::{Deserialize, Serialize};

/// State of one recipient's message. The numbers are stored; from `Accepted` to `Read` the greater one holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[repr(i16)]
pub enum MessageState {
    /// Waits for its turn.
    Planned = 0,
    /// Put off by a limit, with an instant and a reason.
    Held = 1,
    /// The intent to send is committed.
    Claimed = 2,
    /// May or may not have been executed.
    Unknown = 3,
    /// No evidence came within the grace; a late status still lifts it.
    Unconfirmed = 4,
    /// The provider took it.
    Accepted = 5,
    /// It left the provider.
    Sent = 6,
    /// It was refused, or failed after acceptance.
    Failed = 7,
    /// It reached the person's device.
    Delivered = 8,
    /// The person opened it.
    Read = 9,
    /// Not sent on purpose, with a reason.
    Skipped = 20,
    /// The campaign was cancelled first.
    Cancelled = 21,
    /// The campaign's time ran out first.
    Expired = 22,
}

impl MessageState {
    /// Every state.
    pub const ALL: [Self; 13] = [
        Self::Planned,
        Self::Held,
        Self::Claimed,
        Self::Unknown,
        Self::Unconfirmed,
        Self::Accepted,
        Self::Sent,
        Self::Failed,
        Self::Delivered,
        Self::Read,
        Self::Skipped,
        Self::Cancelled,
        Self::Expired,
    ];

    /// Those of messages that the provider took. A failure after that is a failure.
    pub const TAKEN: [Self; 4] = [Self::Accepted, Self::Sent, Self::Delivered, Self::Read];

    /// The stored number.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Reads a stored number; `seq` only names the row in the error.
    pub fn from_code(code: i16, seq: i32) -> Result<Self, DbError> {
        Self::ALL.into_iter().find(|state| state.code() == code).ok_or(DbError::BadRow {
            table: "campaign_messages",
            id: seq.to_string(),
            column: "state",
        })
    }
}

/// State of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CampaignState {
    /// Free to edit; nothing is frozen.
    Draft,
    /// Waits for a second person.
    PendingApproval,
    /// Has a start time; the audience is not frozen yet.
    Scheduled,
    /// The audience is being frozen.
    Preparing,
    /// Messages go out.
    Running,
    /// Nothing new goes out; see the reason.
    Paused,
    /// Everything was sent; some outcomes are open.
    Finishing,
    /// Every row is terminal, none failed.
    Completed,
    /// Every row is terminal, some failed or stayed unconfirmed.
    CompletedWithErrors,
    /// What was not sent is being cancelled.
    Cancelling,
    /// Stopped by a person.
    Cancelled,
    /// Could not be prepared.
    Failed,
    /// Missed its time.
    Expired,
}

impl CampaignState {
    /// Every state.
    pub const ALL: [Self; 13] = [
        Self::Draft,
        Self::PendingApproval,
        Self::Scheduled,
        Self::Preparing,
        Self::Running,
        Self::Paused,
        Self::Finishing,
        Self::Completed,
        Self::CompletedWithErrors,
        Self::Cancelling,
        Self::Cancelled,
        Self::Failed,
        Self::Expired,
    ];

    /// The word, in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::PendingApproval => "pendingApproval",
            Self::Scheduled => "scheduled",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finishing => "finishing",
            Self::Completed => "completed",
            Self::CompletedWithErrors => "completedWithErrors",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether a pause means anything.
    pub const fn can_pause(self) -> bool {
        matches!(self, Self::Preparing | Self::Running | Self::Finishing)
    }

    /// Whether it can still be stopped.
    pub const fn can_cancel(self) -> bool {
        matches!(self, Self::Scheduled | Self::Preparing | Self::Running | Self::Paused | Self::Finishing)
    }
}

/// Who gets the message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Audience {
    /// Every contact.
    pub all: bool,
    /// Contacts with any of these tags.
    pub tags: Vec<String>,
    /// These contacts.
    pub contact_ids: Vec<ContactId>,
    /// Left out although they match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Exclusion>,
}

impl Audience {
    /// Whether it can match anybody.
    pub fn names_somebody(&self) -> bool {
        self.all || !self.tags.is_empty() || !self.contact_ids.is_empty()
    }
}

/// Who is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Exclusion {
    /// Contacts with any of these tags.
    pub tags: Vec<String>,
    /// These contacts.
    pub contact_ids: Vec<ContactId>,
}

/// Where the value of a template variable comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VariableSource {
    /// A field of the contact: `name`, `email`, `phoneNumber`, `locale`, or `attributes.<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Used when the contact has no value there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// The same text for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A field of a contact that a variable can take its value from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactField {
    /// The name.
    Name,
    /// The e-mail address.
    Email,
    /// The number.
    PhoneNumber,
    /// The language.
    Locale,
    /// One of the attributes.
    Attribute(String),
}

impl ContactField {
    /// Reads the name of a field.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "name" => Some(Self::Name),
            "email" => Some(Self::Email),
            "phoneNumber" => Some(Self::PhoneNumber),
            "locale" => Some(Self::Locale),
            _ => name.strip_prefix("attributes.").filter(|key| !key.is_empty()).map(|key| Self::Attribute(key.to_owned())),
        }
    }
}

/// What becomes of a row whose outcome stays unknown after the grace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum UnknownPolicy {
    /// It ends as `unconfirmed`: nobody gets the message twice, whatever happened.
    #[default]
    GiveUp,
    /// It is sent once more while statuses demonstrably arrive: a late first status can make it a second message.
    ResendOnce,
    /// It waits for a person, at most 24 hours.
    Ask,
}

impl UnknownPolicy {
    /// The word, in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GiveUp => "giveUp",
            Self::ResendOnce => "resendOnce",
            Self::Ask => "ask",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::GiveUp, Self::ResendOnce, Self::Ask].into_iter().find(|policy| policy.as_str() == word)
    }
}

/// What a person says of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignDraft {
    /// Shown in lists.
    pub name: String,
    /// The number to send on.
    pub channel: ChannelId,
    /// What to send.
    pub template: TemplateId,
    /// To whom.
    pub audience: Audience,
    /// Values of the template's variables, by variable name.
    pub variables: BTreeMap<String, VariableSource>,
    /// What becomes of unknown rows.
    pub unknown_policy: UnknownPolicy,
    /// The campaign's own limit.
    pub messages_per_second: Option<u32>,
}

/// A campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// What was said of it.
    pub draft: CampaignDraft,
    /// Where it stands.
    pub state: CampaignState,
    /// Why, when that needs saying.
    pub state_reason: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was launched.
    pub launched_at: Option<DateTime<Utc>>,
    /// When its last row became terminal.
    pub finished_at: Option<DateTime<Utc>>,
    /// Version of the template that its messages are made of; none until it is launched.
    pub template_version: Option<i32>,
}
