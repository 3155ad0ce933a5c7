//! `GET /api/webhook-events/{id}`

use crm::{identity::permissions::WebhooksRead, webhooks::service};
use kernel::WebhookEventId;

use super::body::EventBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// Shows one request of the provider, with its body as it came.
#[utoipa::path(get, path = "/api/webhook-events/{id}", tag = "webhooks", params(("id" = WebhookEventId, Path, description = "The request")),
    extensions(("x-permission" = json!("webhooks.read"))), responses(
    (status = 200, description = "The request", body = EventBody),
    (status = 404, description = "There is no such request"),
))]
pub(super) async fn handler(tenant: Allowed<WebhooksRead>, Path(id): Path<WebhookEventId>) -> Result<Json<EventBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let event = service::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(event.into()))
}
