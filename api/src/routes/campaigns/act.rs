//! `POST /api/campaigns/{id}/send`, `…/pause`, `…/resume` and `…/cancel`

use axum::http::StatusCode;
use crm::{audit::Target, campaigns::service, identity::permissions::CampaignsSend};
use kernel::CampaignId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::body::CampaignBody;
use crate::{
    extract::{Allowed, Json, OptionalJson, Path},
    problem::Problem,
};

type Answer = Result<(StatusCode, Json<CampaignBody>), Problem>;

/// Launches a draft now: its audience is frozen, then its messages go out.
#[utoipa::path(post, path = "/api/campaigns/{id}/send", tag = "campaigns", params(("id" = CampaignId, Path, description = "The campaign")),
    extensions(("x-permission" = json!("campaigns.send"))), responses(
    (status = 202, description = "It is being prepared", body = CampaignBody),
    (status = 404, description = "There is no such campaign"),
    (status = 409, description = "It cannot be launched: wrong state, template not approved or being edited, number not connected, nobody to send to"),
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

/// What a resumption accepts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct ResumeInput {
    /// The version of the template's content with which to go on, when it is not the one that was launched. It has to have the same variables.
    accept_template_version: Option<i32>,
}

/// Goes on with a paused campaign, at once. Resuming accepts another category of its template; another content has to be named by version.
#[utoipa::path(post, path = "/api/campaigns/{id}/resume", tag = "campaigns", params(("id" = CampaignId, Path, description = "The campaign")),
    request_body = Option<ResumeInput>,
    extensions(("x-permission" = json!("campaigns.send"))), responses(
    (status = 200, description = "Under way again", body = CampaignBody),
    (status = 404, description = "There is no such campaign"),
    (status = 409, description = "It is not paused, its template is not approved, is being edited, or has another content than at the launch"),
))]
pub(super) async fn resume(
    tenant: Allowed<CampaignsSend>,
    Path(id): Path<CampaignId>,
    OptionalJson(input): OptionalJson<ResumeInput>,
) -> Answer {
    let mut tx = tenant.begin().await?;
    let campaign = service::resume(&mut tx, tenant.clock(), id, input.accept_template_version).await?;
    let details = input.accept_template_version.map_or(Value::Null, |version| json!({ "templateVersion": version }));
    tenant.record(&mut tx, "campaigns.resume", Some(Target::new("campaigns", id)), details).await?;
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
