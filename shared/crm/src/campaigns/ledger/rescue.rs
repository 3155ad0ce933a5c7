//! W3: rescue is not retry. What an older owner claimed and never settled becomes `unknown`, never `planned`.

use db::{DbError, LedgerPool};
use kernel::CampaignId;

use crate::lanes::LaneKey;

/// Turns rows of one run that were claimed under an older fence into `unknown`, with a grace of `grace_s` seconds from now. Looks into started
/// chunks and into rows off the straight path: no other row can be claimed. Answers how many there were.
///
/// An owner that has nothing in its hands passes the fence after its own: what is claimed then is claimed by nobody who still knows it.
///
/// The owner repeats it before it calls a chunk done and at every empty look, because a late intent of the old owner may commit after the first one.
pub async fn rescue(pool: &LedgerPool, lane: LaneKey, campaign: CampaignId, fence: i64, grace_s: f64) -> Result<u64, DbError> {
    let rescued = sqlx::query_scalar!(
        r#"with suspects as materialized (
            select m.seq
            from campaign_chunks c
            join campaign_messages m
              on m.organization_id = c.organization_id and m.campaign_id = c.campaign_id and m.seq between c.seq_from and c.seq_to
            where c.organization_id = $1 and c.campaign_id = $3 and c.state = 1 and m.state = 2 and m.fence < $4
            union
            select m.seq
            from campaign_due d
            join campaign_messages m on m.organization_id = d.organization_id and m.campaign_id = d.campaign_id and m.seq = d.seq
            where d.organization_id = $1 and d.channel_id = $2 and d.campaign_id = $3 and m.state = 2 and m.fence < $4
        ),
        k as materialized (
            select m.seq
            from suspects s
            join campaign_messages m on m.organization_id = $1 and m.campaign_id = $3 and m.seq = s.seq
            where m.state = 2 and m.fence < $4
            order by m.seq
            for no key update of m
        ),
        u as (
            update campaign_messages m
            set state = 3, reason = 'the worker was lost between intent and answer'
            from k
            where m.organization_id = $1 and m.campaign_id = $3 and m.seq = k.seq and m.state = 2 and m.fence < $4
            returning m.seq
        ),
        moved as (
            insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
            select $1, $3, 2, 3, count(*) from u having count(*) > 0
        ),
        waiting as (
            insert into campaign_due (organization_id, campaign_id, seq, channel_id, not_before, kind)
            select $1, $3, seq, $2, clock_timestamp() + make_interval(secs => $5), 'unknown' from u
            on conflict (organization_id, campaign_id, seq) do update set not_before = excluded.not_before, kind = excluded.kind
        )
        select count(*) as "count!" from u"#,
        lane.organization as _,
        lane.channel as _,
        campaign as _,
        fence,
        grace_s,
    )
    .fetch_one(pool.executor())
    .await?;
    Ok(u64::try_from(rescued).unwrap_or(0))
}
