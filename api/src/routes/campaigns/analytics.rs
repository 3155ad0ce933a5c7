//! `GET /api/campaigns/{id}/analytics`

use chrono::{DateTime, Utc};
use crm::{
    campaigns::{
        model::{CampaignState, MessageState},
        service,
    },
    identity::permissions::CampaignsRead,
};
use kernel::CampaignId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// How many people stand where. Always adds up:
/// `audience = planned + held + inFlight + acceptedOrBetter + failed + unknown + unconfirmed + skipped + cancelled + expired`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignAnalytics)]
pub(super) struct AnalyticsBody {
    campaign_id: CampaignId,
    state: CampaignState,
    state_reason: Option<String>,
    /// Everybody who matched when the campaign was launched.
    audience: i64,
    /// Wait for their turn.
    planned: i64,
    /// Put off by a limit.
    held: i64,
    /// Being sent right now.
    in_flight: i64,
    /// The provider took the message, and nothing bad was heard since.
    accepted_or_better: i64,
    /// The same as `acceptedOrBetter`: the first step of the funnel accepted ≥ sent ≥ delivered ≥ read.
    accepted: i64,
    /// Left the provider, or got further.
    sent: i64,
    /// Reached the person's device, or was read.
    delivered: i64,
    /// Opened. A lower bound: people can switch receipts off.
    read: i64,
    /// Refused, or failed after it was accepted.
    failed: i64,
    /// May or may not have been sent; still waiting for evidence.
    unknown: i64,
    /// May or may not have been sent; no evidence came in time.
    unconfirmed: i64,
    /// Not sent on purpose.
    skipped: i64,
    /// The campaign was cancelled first.
    cancelled: i64,
    /// The campaign's time ran out first.
    expired: i64,
    launched_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// When this was counted.
    as_of: DateTime<Utc>,
}

/// The figures of a campaign, as of now.
#[utoipa::path(get, path = "/api/campaigns/{id}/analytics", tag = "campaigns",
    params(("id" = CampaignId, Path, description = "The campaign")), extensions(("x-permission" = json!("campaigns.read"))), responses(
    (status = 200, description = "The figures", body = AnalyticsBody),
    (status = 404, description = "There is no such campaign"),
))]
pub(super) async fn handler(tenant: Allowed<CampaignsRead>, Path(id): Path<CampaignId>) -> Result<Json<AnalyticsBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let (campaign, counters) = service::counters(&mut tx, id).await?;
    tx.commit().await?;
    let of = |state| counters.of(state);
    let read = of(MessageState::Read);
    let delivered = read + of(MessageState::Delivered);
    Ok(Json(AnalyticsBody {
        campaign_id: id,
        state: campaign.state,
        state_reason: campaign.state_reason,
        audience: counters.audience(),
        planned: of(MessageState::Planned),
        held: of(MessageState::Held),
        in_flight: of(MessageState::Claimed),
        accepted_or_better: counters.accepted_or_better(),
        accepted: counters.accepted_or_better(),
        sent: delivered + of(MessageState::Sent),
        delivered,
        read,
        failed: of(MessageState::Failed),
        unknown: of(MessageState::Unknown),
        unconfirmed: of(MessageState::Unconfirmed),
        skipped: of(MessageState::Skipped),
        cancelled: of(MessageState::Cancelled),
        expired: of(MessageState::Expired),
        launched_at: campaign.launched_at,
        finished_at: campaign.finished_at,
        as_of: tenant.clock().now(),
    }))
}
