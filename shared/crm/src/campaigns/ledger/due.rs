//! Rows off the straight path that have fallen due.

use chrono::{DateTime, Utc};
use db::{DbError, LedgerPool};
use kernel::CampaignId;

use super::PlannedRow;
use crate::lanes::LaneKey;

/// A row that waited and may be sent now.
#[derive(Clone, Debug)]
pub struct DueRow {
    /// Its campaign.
    pub campaign: CampaignId,
    /// The row itself.
    pub row: PlannedRow,
}

/// Rows of the lane's running campaigns that wait to be sent again and are due by now, the longest waiting first.
pub async fn due_rows(pool: &LedgerPool, lane: LaneKey, limit: i64) -> Result<Vec<DueRow>, DbError> {
    let rows = sqlx::query!(
        r#"select d.campaign_id, m.seq, m.attempt_no, m.retries, coalesce(r.address, '') as "address!", r.contact_id,
                  r.variables as "variables: sqlx::types::Json<Vec<String>>"
        from campaign_due d
        join campaign_runs run on run.organization_id = $1 and run.campaign_id = d.campaign_id and run.state = 'running'
        join campaign_messages m on m.organization_id = $1 and m.campaign_id = d.campaign_id and m.seq = d.seq and m.state in (0, 1)
        join campaign_recipients r on r.organization_id = $1 and r.campaign_id = d.campaign_id and r.seq = d.seq
        where d.organization_id = $1 and d.channel_id = $2 and d.not_before <= clock_timestamp() and d.kind in ('retry', 'held')
        order by d.not_before
        limit $3"#,
        lane.organization as _,
        lane.channel as _,
        limit,
    )
    .fetch_all(pool.executor())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DueRow {
            campaign: row.campaign_id.into(),
            row: PlannedRow {
                seq: row.seq,
                attempt_no: row.attempt_no,
                retries: row.retries,
                address: row.address,
                variables: row.variables.0,
                contact: row.contact_id.into(),
            },
        })
        .collect())
}

/// The instant at which the next waiting row of the lane's open runs falls due, and how far away that is for the database's clock.
/// Rows of paused runs count only where they wait to be settled.
pub async fn next_due(pool: &LedgerPool, lane: LaneKey) -> Result<Option<(DateTime<Utc>, f64)>, DbError> {
    let row = sqlx::query!(
        r#"select d.not_before, extract(epoch from d.not_before - clock_timestamp())::float8 as "seconds!"
        from campaign_due d
        join campaign_runs run on run.organization_id = $1 and run.campaign_id = d.campaign_id
        where d.organization_id = $1 and d.channel_id = $2
          and (run.state = 'running' or (d.kind = 'unknown' and run.state in ('paused', 'cancelling')))
        order by d.not_before
        limit 1"#,
        lane.organization as _,
        lane.channel as _,
    )
    .fetch_optional(pool.executor())
    .await?;
    Ok(row.map(|row| (row.not_before, row.seconds)))
}
