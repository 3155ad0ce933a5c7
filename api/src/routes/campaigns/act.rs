//! `POST /api/campaigns/{id}/send`, `…/pause`, `…/resume` and `…/cancel`

use axum::http::StatusCode;
use crm::{audit::Target, campaigns::service, identity::permissions::CampaignsSend};
use kernel::CampaignId;
use serde_json::Value;

use super::body::CampaignBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

type Answer = Result<(StatusCode, Json<CampaignBody>), Problem>;

/// Launches a draft now: its audience is frozen, then its messages go out.
#[utoipa::path(post, path = "/api/campaigns/{id}/send", tag = "campaigns", params(("id" = CampaignId, Path, description = "The campaign")),
    extensions(("x-permission" = json!("campaigns.send"))), responses(
    (status = 202, description = "It is being prepared", body = CampaignBody),
    (status = 404, description = "There is no such campaign"),
    (status = 409, description = "It cannot be launched: wrong state, template not approved, number not connected, nobody to send to"),
))]
pub(super) async fn send(tenant: Allowed<CampaignsSend>, Path(id): Path<CampaignId>) -> Answer {
    let mut tx = tenant.begin().await?;
    let campaign = service::launch(&mut tx, tenant.clock(), id).await?;
    tenant.record(&mut tx, "campaigns.launch", Some(Target::new("campaigns", id)), Value::Null).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(campaign.into())))
}

/// Stops new messages. What is on its way settles normally.
#[utoipa::path(post, path = "/api/campaigns/{id}/pause", tag = "campaigns", params(("id" = CampaignId, Path, description = "The campaign")),
    extensions(("x-permission" = json!("campaigns.send"))), responses(
    (status = 200, description = "Paused", body = CampaignBody),
    (status = 404, description = "There is no such campaign"),
    (status = 409, description = "It is not under way"),
))]
pub(super) async fn pause(tenant: Allowed<CampaignsSend>, Path(id): Path<CampaignId>) -> Answer {
    let mut tx = tenant.begin().await?;
    let campaign = service::pause(&mut tx, tenant.clock(), id).await?;
    tenant.record(&mut tx, "campaigns.pause", Some(Target::new("campaigns", id)), Value::Null).await?;
    tx.commit().await?;
    Ok((StatusCode::OK, Json(campaign.into())))
}

/// Goes on with a paused campaign, at once.
#[utoipa::path(post, path = "/api/campaigns/{id}/resume", tag = "campaigns", params(("id" = CampaignId, Path, description = "The campaign")),
    extensions(("x-permission" = json!("campaigns.send"))), responses(
    (status = 200, description = "Under way again", body = CampaignBody),
    (status = 404, description = "There is no such campaign"),
    (status = 409, description = "It is not paused"),
))]
pub(super) async fn resume(tenant: Allowed<CampaignsSend>, Path(id): Path<CampaignId>) -> Answer {
    let mut tx = tenant.begin().await?;
    let campaign = service::resume(&mut tx, tenant.clock(), id).await?;
    tenant.record(&mut tx, "campaigns.resume", Some(Target::new("campaigns", id)), Value::Null).await?;
    tx.commit().await?;
    Ok((StatusCode::OK, Json(campaign.into())))
}

/// Stops a campaign for good: what was not sent never will be, what is on its way settles normally.
#[utoipa::path(post, path = "/api/campaigns/{id}/cancel", tag = "campaigns", params(("id" = CampaignId, Path, description = "The campaign")),
    extensions(("x-permission" = json!("campaigns.send"))), responses(
    (status = 202, description = "Being cancelled", body = CampaignBody),
    (status = 404, description = "There is no such campaign"),
    (status = 409, description = "It is over, or was never launched"),
))]
pub(super) async fn cancel(tenant: Allowed<CampaignsSend>, Path(id): Path<CampaignId>) -> Answer {
    let mut tx = tenant.begin().await?;
    let campaign = service::cancel(&mut tx, tenant.clock(), id).await?;
    tenant.record(&mut tx, "campaigns.cancel", Some(Target::new("campaigns", id)), Value::Null).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(campaign.into())))
}
