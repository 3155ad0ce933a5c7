//! The end of a run: recounted in one snapshot, never assumed.

use db::{DbError, LedgerPool};
use kernel::CampaignId;

use crate::lanes::LaneKey;

/// How a run stands when its lane finds nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Rows are planned or held.
    Unsent,
    /// Every row was sent or left out, some still wait for evidence or an answer.
    Finishing,
    /// Every row is terminal; the campaign and its run are closed.
    Finished,
}

/// Looks whether a run has come to its end, and if so closes run and campaign: `completed`, `completedWithErrors` (some failed or unconfirmed) or `cancelled`.
///
/// Cheap while chunks are open. At the end the ledger is recounted in the same snapshot; a difference from what the counters say is logged as an error.
/// The campaign is locked before its run, as pausing by hand does.
pub async fn finish(pool: &LedgerPool, lane: LaneKey, campaign: CampaignId) -> Result<Finish, DbError> {
    let open = sqlx::query_scalar!(
        r#"select exists (select from campaign_chunks where organization_id = $1 and campaign_id = $2 and state < 2)
            or exists (select from campaign_due where organization_id = $1 and campaign_id = $2 and kind in ('retry', 'held')) as "open!""#,
        lane.organization as _,
        campaign as _,
    )
    .fetch_one(pool.executor())
    .await?;
    if open {
        return Ok(Finish::Unsent);
    }
    let waiting = sqlx::query_scalar!(
        r#"select exists (select from campaign_due where organization_id = $1 and campaign_id = $2) as "waiting!""#,
        lane.organization as _,
        campaign as _,
    )
    .fetch_one(pool.executor())
    .await?;
    if waiting {
        sqlx::query!(
            "update campaigns set state = 'finishing', version = version + 1, updated_at = clock_timestamp()
             where organization_id = $1 and id = $2 and state = 'running'",
            lane.organization as _,
            campaign as _,
        )
        .execute(pool.executor())
        .await?;
        return Ok(Finish::Finishing);
    }
    close(pool, lane, campaign).await
}

async fn close(pool: &LedgerPool, lane: LaneKey, campaign: CampaignId) -> Result<Finish, DbError> {
    let row = sqlx::query!(
        r#"with recount as materialized (
            select state, count(*)::int as n from campaign_messages where organization_id = $1 and campaign_id = $2 group by state
        ),
        counted as materialized (
            select state, sum(n)::int as n
            from (
                select state, n from campaign_counters where organization_id = $1 and campaign_id = $2
                union all
                select to_state, n from campaign_counter_deltas where organization_id = $1 and campaign_id = $2
                union all
                select from_state, -n from campaign_counter_deltas where organization_id = $1 and campaign_id = $2
            ) moves
            group by state
        ),
        verdict as materialized (
            select coalesce(sum(n) filter (where state in (0, 1, 2, 3)), 0) as unsettled,
                   coalesce(sum(n) filter (where state in (4, 7)), 0) as errors
            from recount
        ),
        campaign as (
            update campaigns c
            set state = case when c.state = 'cancelling' then 'cancelled' when verdict.errors > 0 then 'completedWithErrors' else 'completed' end,
                state_reason = null, version = version + 1, updated_at = clock_timestamp(), finished_at = clock_timestamp()
            from verdict
            where c.organization_id = $1 and c.id = $2 and c.state in ('running', 'paused', 'finishing', 'cancelling') and verdict.unsettled = 0
            returning c.id
        ),
        run as (
            update campaign_runs r
            set state = 'finished'
            from campaign
            where r.organization_id = $1 and r.campaign_id = campaign.id and r.state in ('running', 'paused', 'cancelling')
            returning r.campaign_id
        )
        select (select count(*) from run) as "closed!", verdict.unsettled as "unsettled!",
               (select count(*) from recount full join counted using (state) where coalesce(recount.n, 0) <> coalesce(counted.n, 0)) as "different!"
        from verdict"#,
        lane.organization as _,
        campaign as _,
    )
    .fetch_one(pool.executor())
    .await?;
    if row.unsettled > 0 {
        // A late answer may have put rows back since; a row that stays so is one that nothing looks after.
        tracing::warn!(campaign.id = %campaign, rows = row.unsettled, "campaign {campaign}: rows are not settled although nothing waits");
        return Ok(Finish::Unsent);
    }
    if row.different > 0 {
        tracing::error!(campaign.id = %campaign, states = row.different, "campaign {campaign}: the counters differ from the recount");
        metrics::counter!("campaign_counter_mismatches_total").increment(1);
    }
    Ok(Finish::Finished)
}
