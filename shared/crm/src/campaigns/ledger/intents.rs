//! W1: the intent is committed before a byte is written.

use chrono::{DateTime, Utc};
use db::{DbError, LedgerPool};
use kernel::CampaignId;
use uuid::Uuid;

use crate::{campaigns::model::MessageState, lanes::LaneKey};

/// A slice of one campaign that its lane wants to send now.
#[derive(Clone, Debug)]
pub struct ClaimRequest<'a> {
    /// The lane.
    pub lane: LaneKey,
    /// The worker that holds it.
    pub owner: Uuid,
    /// With which fence.
    pub fence: i64,
    /// The campaign.
    pub campaign: CampaignId,
    /// Fresh random value: names this micro-batch in the ledger and at the provider.
    pub nonce: i64,
    /// The rows.
    pub seqs: &'a [i32],
    /// Their attempt numbers as they were read, in the same order.
    pub attempt_nos: &'a [i16],
    /// Their addresses, in the same order: permission is checked against them.
    pub addresses: &'a [String],
}

/// A row that left `planned` by this intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Place in the campaign.
    pub seq: i32,
    /// `claimed`: send it. `skipped`: permission was gone.
    pub state: MessageState,
}

/// What a slice became.
pub type IntentAnswer = Vec<Claim>;

/// Claims the rows that are still planned (or held and due) under the attempt number that was read, and skips those whose permission is gone.
///
/// Only the returned rows changed; only those in state `claimed` may be sent. Nothing is returned when the lease, the run or its
/// permission to send is gone. The condition on state and attempt number stands on the target row itself.
///
/// Rows of `campaign_due` are named by an array, not by a join: a plan made while that table was empty would walk all due rows of the campaign.
pub async fn claim(pool: &LedgerPool, request: &ClaimRequest<'_>) -> Result<IntentAnswer, DbError> {
    let rows = sqlx::query!(
        r#"with permitted as materialized (
            select r.category
            from lanes l
            join campaign_runs r on r.organization_id = l.organization_id and r.channel_id = l.channel_id
            where l.organization_id = $1 and l.channel_id = $2 and l.owner = $3 and l.fence = $4 and l.lease_until > clock_timestamp()
              and r.campaign_id = $5 and r.state = 'running'
        ),
        k as materialized (
            select m.seq, m.state, m.attempt_no, e.reason
            from unnest($7::int[], $8::smallint[], $9::text[]) as w (seq, attempt_no, address)
            join campaign_messages m
              on m.organization_id = $1 and m.campaign_id = $5 and m.seq = w.seq and m.attempt_no = w.attempt_no and m.state in (0, 1)
            left join contact_exceptions e
              on e.organization_id = $1 and e.address = w.address
             and (e.scope = 'all' or (select category from permitted) = 'MARKETING')
            where exists (select from permitted)
            order by m.seq
            for no key update of m
        ),
        u as (
            update campaign_messages m
            set state = case when k.reason is null then 2 else 20 end,
                nonce = case when k.reason is null then $6::bigint end,
                fence = $4, claimed_at = clock_timestamp(), reason = k.reason
            from k
            where m.organization_id = $1 and m.campaign_id = $5 and m.seq = k.seq
              and m.seq = any($7) and m.state in (0, 1) and m.attempt_no = k.attempt_no
            returning m.seq, k.state as old_state, m.state
        ),
        moved as (
            insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
            select $1, $5, old_state, state, count(*) from u group by old_state, state
        ),
        in_flight as (
            update campaign_due d
            set kind = 'inFlight', not_before = clock_timestamp() + interval '10 minutes'
            from u
            where d.organization_id = $1 and d.campaign_id = $5 and d.seq = any($7) and d.seq = u.seq and u.state = 2
        ),
        gone as (
            delete from campaign_due d using u
            where d.organization_id = $1 and d.campaign_id = $5 and d.seq = any($7) and d.seq = u.seq and u.state = 20
        )
        select seq, state from u"#,
        request.lane.organization as _,
        request.lane.channel as _,
        request.owner,
        request.fence,
        request.campaign as _,
        request.nonce,
        request.seqs,
        request.attempt_nos,
        request.addresses,
    )
    .fetch_all(pool.executor())
    .await?;
    rows.into_iter().map(|row| Ok(Claim { seq: row.seq, state: MessageState::from_code(row.state, row.seq)? })).collect()
}

/// Reads back what an intent did whose answer was lost: the rows that carry its nonce, with the instant of the claim and the database's present one.
pub async fn claims_of_nonce(pool: &LedgerPool, request: &ClaimRequest<'_>) -> Result<Vec<(Claim, Option<DateTime<Utc>>)>, DbError> {
    let rows = sqlx::query!(
        "select seq, state, claimed_at from campaign_messages
         where organization_id = $1 and campaign_id = $2 and seq = any($3) and nonce = $4",
        request.lane.organization as _,
        request.campaign as _,
        request.seqs,
        request.nonce,
    )
    .fetch_all(pool.executor())
    .await?;
    rows.into_iter().map(|row| Ok((Claim { seq: row.seq, state: MessageState::from_code(row.state, row.seq)? }, row.claimed_at))).collect()
}
