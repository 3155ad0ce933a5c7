//! `GET /api/campaigns`

use crm::{
    campaigns::{model::CampaignState, service},
    identity::permissions::CampaignsRead,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::CampaignBody;
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Query},
    problem::Problem,
};

/// Which campaigns to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    state: Option<CampaignState>,
}

/// Lists campaigns, the newest first.
#[utoipa::path(get, path = "/api/campaigns", tag = "campaigns", params(PageParams, Filter),
    extensions(("x-permission" = json!("campaigns.read"))), responses(
    (status = 200, description = "A page of campaigns", body = PageBody<CampaignBody>),
))]
pub(super) async fn handler(
    tenant: Allowed<CampaignsRead>,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<PageBody<CampaignBody>>, Problem> {
    let mut tx = tenant.begin().await?;
    let campaigns = service::list(&mut tx, filter.state, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(campaigns)))
}
