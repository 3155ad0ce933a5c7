//! A stored webhook request as people see it.

use chrono::{DateTime, Utc};
use crm::webhooks::{Event, EventState};
use kernel::WebhookEventId;
use serde::Serialize;
use utoipa::ToSchema;

/// A request of the provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookEvent)]
pub(super) struct EventBody {
    id: WebhookEventId,
    state: EventState,
    /// The provider's word for what it is about; of several, the first.
    field: Option<String>,
    received_at: DateTime<Utc>,
    /// When it came to its present state.
    applied_at: DateTime<Utc>,
    /// Rows that it changed.
    changed: i32,
    /// Why it is not applied, or why without effect.
    reason: Option<String>,
    /// What came. Null in lists when it is large, and always when it belongs to no organization or to several.
    body: Option<String>,
}

impl From<Event> for EventBody {
    fn from(event: Event) -> Self {
        let Event { id, received_at, state, field, applied_at, changed, reason, own: _, body } = event;
        let body = body.map(|body| String::from_utf8_lossy(&body).into_owned());
        Self { id, state, field, received_at, applied_at, changed, reason, body }
    }
}
