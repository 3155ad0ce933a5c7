//! Entries of the audit log as clients see them.

use chrono::{DateTime, Utc};
use crm::audit::{ActorKind, ActorView, AuditEvent, AuditFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which entries to list.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// What was done, such as `channels.create`; with a full stop at the end all of its kind: `channels.`.
    action: Option<String>,
    /// Id of the user or key that did it.
    actor_id: Option<String>,
    /// Id of the record that it was done to.
    target_id: Option<String>,
    /// Not before this instant.
    from: Option<DateTime<Utc>>,
    /// Before this instant.
    to: Option<DateTime<Utc>>,
}

impl From<Filter> for AuditFilter {
    fn from(filter: Filter) -> Self {
        let Filter { action, actor_id, target_id, from, to } = filter;
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self { action: text(action), actor: text(actor_id), target: text(target_id), from, to }
    }
}

/// What kind of actor.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditActorKind)]
enum ActorKindBody {
    /// Somebody who is signed in.
    User,
    /// A program with a key.
    ApiKey,
    /// The installation itself.
    System,
    /// Somebody who did not prove who they are.
    Nobody,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditActor)]
struct ActorBody {
    kind: ActorKindBody,
    /// Id of the user or key, or the name of the program.
    id: Option<String>,
    /// Name of the user, as long as they are a member, or of the key.
    name: Option<String>,
}

/// What it was done to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditTarget)]
struct TargetBody {
    /// The collection, such as `channels`.
    kind: String,
    id: String,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEvent)]
pub(super) struct AuditEventBody {
    /// Its place in the organization's log, from 1, without gaps.
    seq: i64,
    at: DateTime<Utc>,
    actor: ActorBody,
    /// What was done, as `channels.create`.
    action: String,
    target: Option<TargetBody>,
    /// Ids and words that explain it; null for none.
    #[schema(value_type = Option<Object>)]
    details: Value,
}

impl From<AuditEvent> for AuditEventBody {
    fn from(event: AuditEvent) -> Self {
        let AuditEvent { seq, at, actor: ActorView { kind, id, name }, action, target, details } = event;
        let kind = match kind {
            ActorKind::User => ActorKindBody::User,
            ActorKind::ApiKey => ActorKindBody::ApiKey,
            ActorKind::System => ActorKindBody::System,
            ActorKind::Nobody => ActorKindBody::Nobody,
        };
        let target = target.map(|(kind, id)| TargetBody { kind, id });
        Self { seq, at, actor: ActorBody { kind, id, name }, action, target, details }
    }
}
