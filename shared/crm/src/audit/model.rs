//! What an entry of the audit log says.

use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, UserId};
use serde_json::Value;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who is signed in.
    User(UserId),
    /// A program with a key.
    ApiKey(ApiKeyId),
    /// The installation itself: the name of the job or command.
    System(&'static str),
    /// Somebody who did not prove who they are.
    Nobody,
}

impl Actor {
    pub(super) fn kind(self) -> ActorKind {
        match self {
            Self::User(_) => ActorKind::User,
            Self::ApiKey(_) => ActorKind::ApiKey,
            Self::System(_) => ActorKind::System,
            Self::Nobody => ActorKind::Nobody,
        }
    }

    pub(super) fn id(self) -> Option<String> {
        match self {
            Self::User(id) => Some(id.to_string()),
            Self::ApiKey(id) => Some(id.to_string()),
            Self::System(name) => Some(name.to_owned()),
            Self::Nobody => None,
        }
    }
}

/// The kinds of [`Actor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// Somebody who is signed in.
    User,
    /// A program with a key.
    ApiKey,
    /// The installation itself.
    System,
    /// Somebody who did not prove who they are.
    Nobody,
}

impl ActorKind {
    /// The word of the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "apiKey",
            Self::System => "system",
            Self::Nobody => "nobody",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::User, Self::ApiKey, Self::System, Self::Nobody].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What was acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The collection, as in the API: `channels`.
    pub kind: &'static str,
    /// The record's id.
    pub id: String,
}

impl Target {
    /// The record `id` of the collection `kind`.
    #[expect(clippy::needless_pass_by_value, reason = "ids are copied; a reference would only add a sign at every call")]
    pub fn new(kind: &'static str, id: impl ToString) -> Self {
        Self { kind, id: id.to_string() }
    }
}

/// An act to be recorded.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who acts.
    pub actor: Actor,
    /// What is done: `table.verb`, such as `apiKeys.create`.
    pub action: &'static str,
    /// To which record, if to one.
    pub target: Option<Target>,
    /// Ids, enumerations and counts that explain it; never personal data, never a secret. `Null` for nothing.
    pub details: Value,
}

impl Act {
    /// An act without a target or details.
    pub fn new(actor: Actor, action: &'static str) -> Self {
        Self { actor, action, target: None, details: Value::Null }
    }

    /// The same act on the record `id` of the collection `kind`.
    #[must_use]
    pub fn on(mut self, kind: &'static str, id: impl ToString) -> Self {
        self.target = Some(Target::new(kind, id));
        self
    }

    /// The same act, explained by `details`.
    #[must_use]
    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

/// An entry as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Place in the organization's log, from 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: ActorView,
    /// What: `table.verb`.
    pub action: String,
    /// Collection and id of the record.
    pub target: Option<(String, String)>,
    /// What explains it.
    pub details: Value,
}

/// Who acted, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorView {
    /// What kind of actor.
    pub kind: ActorKind,
    /// Id of the user or key, name of the program.
    pub id: Option<String>,
    /// Name of the user, as long as they are a member; name of the key.
    pub name: Option<String>,
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only this action, or all actions of a table when it ends with a full stop: `channels.`.
    pub action: Option<String>,
    /// Only acts of this user, key or program.
    pub actor: Option<String>,
    /// Only acts on the record with this id.
    pub target: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}
