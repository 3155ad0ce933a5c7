//! What can be seen of a stored webhook request. Pure.

use chrono::{DateTime, Utc};
use kernel::WebhookEventId;
use serde::{Deserialize, Serialize};

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EventState {
    /// Stored; will be applied, or tried again.
    Received,
    /// Applied, with or without effect.
    Applied,
    /// Cannot be applied; the reason says why.
    DeadLetter,
}

impl EventState {
    /// The word, in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Applied => "applied",
            Self::DeadLetter => "deadLetter",
        }
    }

    /// The state of a word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Received, Self::Applied, Self::DeadLetter].into_iter().find(|state| state.as_str() == word)
    }
}

/// A stored request as a list shows it.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its id.
    pub id: WebhookEventId,
    /// When it was stored.
    pub received_at: DateTime<Utc>,
    /// How far it has come.
    pub state: EventState,
    /// The provider's word for what it is about; of several, the first.
    pub field: Option<String>,
    /// When it came to its present state.
    pub applied_at: DateTime<Utc>,
    /// Rows that it changed.
    pub changed: i32,
    /// Why it is not applied, or why without effect.
    pub reason: Option<String>,
    /// Whether it belongs to the organization that asks; otherwise it belongs to nobody, and its body is not shown.
    pub own: bool,
    /// The bytes as they came. A list leaves big ones out.
    pub body: Option<Vec<u8>>,
}

/// What a list of requests is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only those in this state.
    pub state: Option<EventState>,
    /// Only those about this.
    pub field: Option<String>,
}
