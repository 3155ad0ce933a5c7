//! `GET /api/campaigns/{id}`

use crm::{campaigns::service, identity::permissions::CampaignsRead};
use kernel::CampaignId;

use super::body::CampaignBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// One campaign.
#[utoipa::path(get, path = "/api/campaigns/{id}", tag = "campaigns", params(("id" = CampaignId, Path, description = "The campaign")),
    extensions(("x-permission" = json!("campaigns.read"))), responses(
    (status = 200, description = "The campaign", body = CampaignBody),
    (status = 404, description = "There is no such campaign"),
))]
pub(super) async fn handler(tenant: Allowed<CampaignsRead>, Path(id): Path<CampaignId>) -> Result<Json<CampaignBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let campaign = service::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(campaign.into()))
}
