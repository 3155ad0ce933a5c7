//! What happens to `unknown` rows when their grace has run out.

use db::{DbError, LedgerPool};

use crate::lanes::LaneKey;

/// Settles up to `limit` unknown rows of the lane whose grace is over, each by the policy of its run:
///
/// * `giveUp`: becomes `unconfirmed`; a late status still lifts it.
/// * `resendOnce`: tried once more, but only while statuses demonstrably arrive: one with our attempt id was applied for one of the next 2,000 rows of the
///   same campaign, and nothing has waited to be applied for 30 s. Otherwise it waits, and is given up after 24 h.
/// * `ask`: waits for a person, and is given up after 24 h.
///
/// Answers how many rows were looked at; fewer than `limit` means that none is left.
pub async fn settle_unknown(pool: &LedgerPool, lane: LaneKey, limit: i64) -> Result<u64, DbError> {
    let settled = sqlx::query_scalar!(
        r#"with k as materialized (
            select m.campaign_id, m.seq, m.attempt_no, m.nonce, m.claimed_at, r.unknown_policy
            from campaign_due d
            join campaign_runs r on r.organization_id = $1 and r.campaign_id = d.campaign_id and r.state in ('running', 'paused', 'cancelling')
            join campaign_messages m on m.organization_id = $1 and m.campaign_id = d.campaign_id and m.seq = d.seq
            where d.organization_id = $1 and d.channel_id = $2 and d.not_before <= now() and d.kind = 'unknown' and m.state = 3
            order by m.campaign_id, m.seq
            limit $3
            for no key update of m
        ),
        decided as materialized (
            select k.*,
                   case
                       when k.unknown_policy = 'giveUp' or k.claimed_at < clock_timestamp() - interval '24 hours' then 'giveUp'
                       when k.unknown_policy = 'ask' then 'wait'
                       when exists (
                           select from campaign_attempts a
                           where a.organization_id = $1 and a.campaign_id = k.campaign_id and a.seq = k.seq and a.outcome = 'superseded'
                       ) then 'giveUp'
                       when not exists (
                           select from webhook_pending p
                           where p.not_before = '-infinity' and p.received_at < clock_timestamp() - interval '30 s'
                       )
                        and exists (
                           select from campaign_messages later
                           where later.organization_id = $1 and later.campaign_id = k.campaign_id
                             and later.seq between k.seq + 1 and k.seq + 2000
                             and later.claimed_at > k.claimed_at
                             and (later.sent_at is not null or later.delivered_at is not null or later.read_at is not null)
                       ) then 'resend'
                       else 'wait'
                   end as decision
            from k
        ),
        u as (
            update campaign_messages m
            set state = case d.decision when 'giveUp' then 4 else 0 end,
                attempt_no = case d.decision when 'resend' then m.attempt_no + 1 else m.attempt_no end,
                nonce = case d.decision when 'resend' then null else m.nonce end
            from decided d
            where m.organization_id = $1 and m.campaign_id = d.campaign_id and m.seq = d.seq and m.state = 3
              and d.decision in ('giveUp', 'resend')
            returning m.campaign_id, m.seq, m.state
        ),
        moved as (
            insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
            select $1, campaign_id, 3, state, count(*) from u group by campaign_id, state
        ),
        history as (
            insert into campaign_attempts (organization_id, campaign_id, seq, attempt_no, nonce, outcome, detail)
            select $1, campaign_id, seq, attempt_no, nonce, 'superseded', 'no evidence within the grace' from decided where decision = 'resend'
        ),
        gone as (
            delete from campaign_due d using u
            where d.organization_id = $1 and d.campaign_id = u.campaign_id and d.seq = u.seq and u.state = 4
        ),
        later as (
            update campaign_due d
            set kind = case c.decision when 'resend' then 'retry' else 'unknown' end,
                not_before = clock_timestamp() + case c.decision when 'resend' then interval '0' else interval '10 s' end
            from decided c
            where d.organization_id = $1 and d.campaign_id = c.campaign_id and d.seq = c.seq and c.decision in ('wait', 'resend')
        )
        select count(*) as "count!" from decided"#,
        lane.organization as _,
        lane.channel as _,
        limit,
    )
    .fetch_one(pool.executor())
    .await?;
    Ok(u64::try_from(settled).unwrap_or(0))
}
