//! Folding counter deltas into counters.

use db::{DbError, LedgerPool};

/// Rolls up to `limit` deltas into the counters, of any campaigns. Answers how many there were.
pub async fn roll_up(pool: &LedgerPool, limit: i64) -> Result<u64, DbError> {
    let rolled = sqlx::query_scalar!(
        r#"with taken as (
            delete from campaign_counter_deltas
            where ctid = any(array(select ctid from campaign_counter_deltas limit $1 for update skip locked))
            returning organization_id, campaign_id, from_state, to_state, n
        ),
        moves as (
            select organization_id, campaign_id, to_state as state, n from taken
            union all
            select organization_id, campaign_id, from_state, -n from taken
        ),
        sums as materialized (
            select organization_id, campaign_id, state, sum(n)::int as n from moves group by 1, 2, 3 order by 1, 2, 3
        ),
        counted as (
            insert into campaign_counters as c (organization_id, campaign_id, state, n)
            select organization_id, campaign_id, state, n from sums
            on conflict (organization_id, campaign_id, state) do update set n = c.n + excluded.n
        )
        select count(*) as "count!" from taken"#,
        limit,
    )
    .fetch_one(pool.executor())
    .await?;
    Ok(u64::try_from(rolled).unwrap_or(0))
}
