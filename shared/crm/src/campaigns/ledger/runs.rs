//! The runs of a lane: the ledger's own copy of what sending must know.

use chrono::{DateTime, Utc};
use db::{DbError, LedgerPool};
use kernel::CampaignId;

use crate::{campaigns::model::MessageState, lanes::LaneKey};

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Send.
    Running,
    /// Only settle what is in flight or unknown.
    Paused,
    /// Cancel what was not sent, settle the rest.
    Cancelling,
}

/// A run that is not finished.
#[derive(Clone, Debug)]
pub struct Run {
    /// The campaign.
    pub campaign: CampaignId,
    /// What it may do.
    pub state: RunState,
    /// Grows with every pause and resume.
    pub epoch: i32,
    /// The template as it was at launch, or as it was accepted since.
    pub content: serde_json::Value,
    /// Its version.
    pub template_version: i32,
    /// How long an unknown row waits for evidence, in seconds.
    pub grace_s: f64,
    /// The campaign's own limit, messages per second.
    pub messages_per_second: Option<u32>,
    /// Rests until then.
    pub not_before: Option<DateTime<Utc>>,
}

/// What sending must know of the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSending {
    /// The provider's id of the number.
    pub phone_number_id: String,
    /// The sealed access token.
    pub access_token: Vec<u8>,
    /// Messages per second that the number may send.
    pub messages_per_second: u32,
    /// Whether it is connected; otherwise nothing is sent.
    pub connected: bool,
}

/// The lane's number; `None` when it was deleted.
pub async fn channel_for_sending(pool: &LedgerPool, lane: LaneKey) -> Result<Option<ChannelSending>, DbError> {
    let row = sqlx::query!(
        "select phone_number_id, access_token, messages_per_second, state from channels where organization_id = $1 and id = $2",
        lane.organization as _,
        lane.channel as _,
    )
    .fetch_optional(pool.executor())
    .await?;
    Ok(row.map(|row| ChannelSending {
        phone_number_id: row.phone_number_id,
        access_token: row.access_token,
        messages_per_second: u32::try_from(row.messages_per_second).unwrap_or(1),
        connected: row.state == "connected",
    }))
}

/// The lane's runs that are not finished, oldest first.
pub async fn open_runs(pool: &LedgerPool, lane: LaneKey) -> Result<Vec<Run>, DbError> {
    let rows = sqlx::query!(
        "select campaign_id, state, epoch, content, template_version, grace_seconds, messages_per_second, not_before
         from campaign_runs
         where organization_id = $1 and channel_id = $2 and state in ('running', 'paused', 'cancelling')
         order by campaign_id",
        lane.organization as _,
        lane.channel as _,
    )
    .fetch_all(pool.executor())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Run {
                campaign: row.campaign_id.into(),
                state: match row.state.as_str() {
                    "running" => RunState::Running,
                    "paused" => RunState::Paused,
                    "cancelling" => RunState::Cancelling,
                    _ => return Err(DbError::BadRow { table: "campaign_runs", id: row.campaign_id.to_string(), column: "state" }),
                },
                epoch: row.epoch,
                content: row.content,
                template_version: row.template_version,
                grace_s: f64::from(row.grace_seconds),
                messages_per_second: row.messages_per_second.and_then(|rate| u32::try_from(rate).ok()),
                not_before: row.not_before,
            })
        })
        .collect()
}

/// Pauses a running run because the provider or a breaker demands it; the reason is a stable code that people see. A run that is not running stays as it is.
///
/// Refusals of the template are counted while the provider takes no message between them. The campaign is locked before its run, as pausing by
/// hand does.
pub async fn pause_for_reason(pool: &LedgerPool, lane: LaneKey, campaign: CampaignId, reason: &str) -> Result<bool, DbError> {
    let paused = sqlx::query_scalar!(
        r#"with campaign as (
            update campaigns c
            set state = 'paused', state_reason = $3, version = version + 1, updated_at = clock_timestamp()
            where c.organization_id = $1 and c.id = $2 and c.state in ('running', 'finishing')
              and exists (select from campaign_runs r where r.organization_id = $1 and r.campaign_id = $2 and r.state = 'running')
            returning c.id
        ),
        taken as (
            select coalesce(sum(n), 0)::bigint as n
            from (
                select state, n from campaign_counters where organization_id = $1 and campaign_id = $2
                union all
                select to_state, n from campaign_counter_deltas where organization_id = $1 and campaign_id = $2
                union all
                select from_state, -n from campaign_counter_deltas where organization_id = $1 and campaign_id = $2
            ) moves
            where state = any($5)
        ),
        run as (
            update campaign_runs r
            set state = 'paused', epoch = epoch + 1,
                template_refusals = case when not $4 then r.template_refusals when taken.n > r.accepted_at_refusal then 1 else r.template_refusals + 1 end,
                accepted_at_refusal = case when $4 then taken.n else r.accepted_at_refusal end
            from campaign, taken
            where r.organization_id = $1 and r.campaign_id = campaign.id and r.state = 'running'
            returning r.campaign_id
        )
        select count(*) as "count!" from run"#,
        lane.organization as _,
        campaign as _,
        reason,
        reason.starts_with("pauseTemplate:"),
        &MessageState::TAKEN.map(MessageState::code),
    )
    .fetch_one(pool.executor())
    .await?;
    Ok(paused > 0)
}
