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
        where d.organization_id = $1 and d.channel_id = $2 and d.not_before <= now() and d.kind in ('retry', 'held')
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
/// Rows of paused runs, and all of a number that cannot send, count only where they wait to be settled.
pub async fn next_due(pool: &LedgerPool, lane: LaneKey, can_send: bool) -> Result<Option<(DateTime<Utc>, f64)>, DbError> {
    let row = sqlx::query!(
        r#"select d.not_before, extract(epoch from d.not_before - clock_timestamp())::float8 as "seconds!"
        from campaign_due d
        join campaign_runs run on run.organization_id = $1 and run.campaign_id = d.campaign_id
        where d.organization_id = $1 and d.channel_id = $2
          and ((run.state = 'running' and $3) or (d.kind = 'unknown' and run.state in ('running', 'paused', 'cancelling')))
        order by d.not_before
        limit 1"#,
        lane.organization as _,
        lane.channel as _,
        can_send,
    )
    .fetch_optional(pool.executor())
    .await?;
    Ok(row.map(|row| (row.not_before, row.seconds)))
}

/// Deletes rows off the straight path whose message is settled. A statement that settles a row after waiting for its lock cannot see the due row that the
/// lock's last holder inserted; it is swept here, at every empty look, so that no run waits for it. Rows that are put off to later are left alone until then. Answers how many
/// there were.
pub async fn forget_settled(pool: &LedgerPool, lane: LaneKey) -> Result<u64, DbError> {
    let forgotten = sqlx::query!(
        "delete from campaign_due d
         using campaign_messages m
         where d.organization_id = $1 and d.channel_id = $2 and (d.kind = 'unknown' or d.not_before <= now())
           and m.organization_id = $1 and m.campaign_id = d.campaign_id and m.seq = d.seq and m.state > 3",
        lane.organization as _,
        lane.channel as _,
    )
    .execute(pool.executor())
    .await?;
    Ok(forgotten.rows_affected())
}
