//! `POST /api/campaigns`, `PATCH` and `DELETE /api/campaigns/{id}`

use std::collections::BTreeMap;

use axum::http::StatusCode;
use crm::{
    audit::Target,
    campaigns::{
        model::{Audience, CampaignDraft, UnknownPolicy, VariableSource},
        service,
    },
    identity::permissions::CampaignsWrite,
};
use kernel::{CampaignId, ChannelId, TemplateId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::body::CampaignBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// A new campaign.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CampaignInput {
    /// 1 to 200 characters.
    name: String,
    /// The number to send on.
    channel_id: ChannelId,
    /// What to send; belongs to the same WhatsApp account as the number.
    template_id: TemplateId,
    /// To whom.
    audience: Audience,
    /// A value for each variable of the template.
    #[serde(default)]
    variables: BTreeMap<String, VariableSource>,
    /// What becomes of messages whose fate stays unknown.
    #[serde(default)]
    unknown_policy: UnknownPolicy,
    /// The campaign's own limit, below the number's.
    messages_per_second: Option<u32>,
}

/// What changes; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CampaignChange {
    name: Option<String>,
    channel_id: Option<ChannelId>,
    template_id: Option<TemplateId>,
    audience: Option<Audience>,
    variables: Option<BTreeMap<String, VariableSource>>,
    unknown_policy: Option<UnknownPolicy>,
    messages_per_second: Option<u32>,
}

/// Drafts a campaign. Nothing is sent and nobody is chosen yet.
#[utoipa::path(post, path = "/api/campaigns", tag = "campaigns", extensions(("x-permission" = json!("campaigns.write"))), responses(
    (status = 201, description = "The draft", body = CampaignBody),
))]
pub(super) async fn create(
    tenant: Allowed<CampaignsWrite>,
    Json(input): Json<CampaignInput>,
) -> Result<(StatusCode, Json<CampaignBody>), Problem> {
    let draft = CampaignDraft {
        name: input.name.trim().to_owned(),
        channel: input.channel_id,
        template: input.template_id,
        audience: input.audience,
        variables: input.variables,
        unknown_policy: input.unknown_policy,
        messages_per_second: input.messages_per_second,
    };
    let mut tx = tenant.begin().await?;
    let campaign = service::create(&mut tx, tenant.clock(), draft).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(campaign.into())))
}

/// Changes a draft.
#[utoipa::path(method(patch, put), path = "/api/campaigns/{id}", tag = "campaigns",
    params(("id" = CampaignId, Path, description = "The campaign")), extensions(("x-permission" = json!("campaigns.write"))), responses(
    (status = 200, description = "Changed", body = CampaignBody),
    (status = 404, description = "There is no such campaign"),
    (status = 409, description = "It was launched already"),
))]
pub(super) async fn change(
    tenant: Allowed<CampaignsWrite>,
    Path(id): Path<CampaignId>,
    Json(change): Json<CampaignChange>,
) -> Result<Json<CampaignBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let before = service::find(&mut tx, id).await?.draft;
    let draft = CampaignDraft {
        name: change.name.map_or(before.name, |name| name.trim().to_owned()),
        channel: change.channel_id.unwrap_or(before.channel),
        template: change.template_id.unwrap_or(before.template),
        audience: change.audience.unwrap_or(before.audience),
        variables: change.variables.unwrap_or(before.variables),
        unknown_policy: change.unknown_policy.unwrap_or(before.unknown_policy),
        messages_per_second: change.messages_per_second.or(before.messages_per_second),
    };
    let campaign = service::update(&mut tx, tenant.clock(), id, draft).await?;
    tx.commit().await?;
    Ok(Json(campaign.into()))
}

/// Deletes a draft. A launched campaign is evidence and stays.
#[utoipa::path(delete, path = "/api/campaigns/{id}", tag = "campaigns", params(("id" = CampaignId, Path, description = "The campaign")),
    extensions(("x-permission" = json!("campaigns.write"))), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "There is no such campaign"),
    (status = 409, description = "It was launched already"),
))]
pub(super) async fn delete(tenant: Allowed<CampaignsWrite>, Path(id): Path<CampaignId>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    service::delete(&mut tx, id).await?;
    tenant.record(&mut tx, "campaigns.delete", Some(Target::new("campaigns", id)), Value::Null).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
