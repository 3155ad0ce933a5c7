//! Cancelling: what was not sent never will be; what is in flight settles normally.

use db::{DbError, LedgerPool};
use kernel::CampaignId;

use crate::lanes::LaneKey;

/// Cancels the planned and held rows of up to `chunks` chunks after number `after`, and those off the straight path. Answers the number
/// of the last chunk, none when there were no more. A chunk with claimed rows stays open for those, also when an intent took
/// them while the statement ran.
pub async fn cancel_batch(pool: &LedgerPool, lane: LaneKey, campaign: CampaignId, after: i32, chunks: i64) -> Result<Option<i32>, DbError> {
    let last = sqlx::query_scalar!(
        r#"with run as materialized (
            select 1 from campaign_runs where organization_id = $1 and campaign_id = $2 and state = 'cancelling'
        ),
        c as materialized (
            select chunk_no, seq_from, seq_to from campaign_chunks
            where organization_id = $1 and campaign_id = $2 and state < 2 and chunk_no > $4 and exists (select from run)
            order by chunk_no
            limit $3
        ),
        wanted as materialized (
            select m.seq from c join campaign_messages m
              on m.organization_id = $1 and m.campaign_id = $2 and m.seq between c.seq_from and c.seq_to and m.state in (0, 1)
            union
            select seq from campaign_due
            where organization_id = $1 and campaign_id = $2 and kind in ('retry', 'held') and exists (select from run)
        ),
        k as materialized (
            select m.seq, m.state
            from wanted w join campaign_messages m on m.organization_id = $1 and m.campaign_id = $2 and m.seq = w.seq
            where m.state in (0, 1)
            order by m.seq
            for no key update of m
        ),
        u as (
            update campaign_messages m
            set state = 21
            from k
            where m.organization_id = $1 and m.campaign_id = $2 and m.seq = k.seq and m.state in (0, 1)
            returning m.seq, k.state as old_state
        ),
        moved as (
            insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
            select $1, $2, old_state, 21, count(*) from u group by old_state
        ),
        gone as (
            delete from campaign_due d using u where d.organization_id = $1 and d.campaign_id = $2 and d.seq = u.seq
        ),
        walked as (
            update campaign_chunks x
            set state = case when (
                    select count(*) from campaign_messages m
                    where m.organization_id = $1 and m.campaign_id = $2 and m.seq between c.seq_from and c.seq_to and m.state in (0, 1, 2)
                ) = (select count(*) from u where u.seq between c.seq_from and c.seq_to) then 2 else 1 end
            from c
            where x.organization_id = $1 and x.campaign_id = $2 and x.chunk_no = c.chunk_no
            returning x.chunk_no
        )
        select max(chunk_no) from walked"#,
        lane.organization as _,
        campaign as _,
        chunks,
        after,
    )
    .fetch_one(pool.executor())
    .await?;
    Ok(last)
}
