//! `POST /api/webhook-events/{id}/replay`

use axum::http::StatusCode;
use crm::{identity::permissions::WebhooksManage, webhooks::service};
use kernel::WebhookEventId;

use super::body::EventBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// Has a request of the provider applied once more. What it said already changes nothing.
#[utoipa::path(post, path = "/api/webhook-events/{id}/replay", tag = "webhooks",
    params(("id" = WebhookEventId, Path, description = "The request")), extensions(("x-permission" = json!("webhooks.manage"))), responses(
    (status = 202, description = "It will be applied", body = EventBody),
    (status = 404, description = "There is no such request"),
))]
pub(super) async fn handler(
    tenant: Allowed<WebhooksManage>,
    Path(id): Path<WebhookEventId>,
) -> Result<(StatusCode, Json<EventBody>), Problem> {
    let event = service::replay(&tenant.state().db, tenant.clock(), tenant.organization(), tenant.actor(), id).await?;
    Ok((StatusCode::ACCEPTED, Json(event.into())))
}
