//! `GET /api/webhook-events`

use crm::{
    identity::permissions::WebhooksRead,
    webhooks::{EventFilter, EventState, service},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::EventBody;
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Query},
    problem::Problem,
};

/// Which requests to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    state: Option<EventState>,
    /// The provider's word for what it is about, as `messages`.
    field: Option<String>,
}

/// Lists what the provider sent, the newest first: what belongs to the organization, and what could not be assigned to any.
#[utoipa::path(get, path = "/api/webhook-events", tag = "webhooks", params(Filter, PageParams), extensions(("x-permission" = json!("webhooks.read"))), responses(
    (status = 200, description = "A page of requests", body = PageBody<EventBody>),
))]
pub(super) async fn handler(
    tenant: Allowed<WebhooksRead>,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<PageBody<EventBody>>, Problem> {
    let filter = EventFilter { state: filter.state, field: filter.field };
    let mut tx = tenant.begin().await?;
    let events = service::list(&mut tx, &filter, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(events)))
}
