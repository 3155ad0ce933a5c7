//! The workers' side: taking, renewing and giving back lanes. All instants are the database's.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{DbError, LedgerPool};
use kernel::{ChannelId, OrganizationId};
use uuid::Uuid;

/// Names a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LaneKey {
    /// Whose number it is.
    pub organization: OrganizationId,
    /// The number.
    pub channel: ChannelId,
}

/// A lane that this worker has just taken.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// Which one.
    pub key: LaneKey,
    /// Grows with every taking; what an older owner still writes is told apart by it.
    pub fence: i64,
    /// The last owner did not give it back: it died or was cut off.
    pub unclean: bool,
    /// Somebody may have sent on the number within the last second.
    pub warm: bool,
    /// Share of the number's rate that the provider last put up with.
    pub rate_factor: f32,
}

/// A held lane, as the renewal names it.
#[derive(Clone, Copy, Debug)]
pub struct LaneRate {
    /// Which one.
    pub key: LaneKey,
    /// With which fence it is held.
    pub fence: i64,
    /// Rate factor to keep for the next owner.
    pub rate_factor: f32,
}

/// What a renewal answered for one lane.
pub type Renewal = (LaneKey, i64);

/// The lane is no longer this owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lane has another owner by now")]
pub struct LeaseLost;

/// Takes up to `limit` lanes that nobody holds and that may have something to do.
pub async fn take(pool: &LedgerPool, owner: Uuid, lease: Duration, limit: i64) -> Result<Vec<Lane>, DbError> {
    let rows = sqlx::query!(
        r#"with takeable as materialized (
            select l.organization_id, l.channel_id, l.owner as last_owner,
                   l.owner is not null or coalesce(l.released_at > clock_timestamp() - interval '1 s', false) as warm
            from lanes l
            left join lane_signals s on s.organization_id = l.organization_id and s.channel_id = l.channel_id
            where (l.lease_until is null or l.lease_until <= clock_timestamp())
              and (l.owner is not null or s.wake_seq > l.seen_seq or l.next_due <= clock_timestamp())
            order by l.next_due nulls first
            limit $3
            for no key update of l skip locked
        )
        update lanes l
        set owner = $1, fence = l.fence + 1, lease_until = clock_timestamp() + make_interval(secs => $2)
        from takeable t
        where l.organization_id = t.organization_id and l.channel_id = t.channel_id
        returning l.organization_id, l.channel_id, l.fence, t.last_owner is not null as "unclean!", t.warm as "warm!", l.rate_factor"#,
        owner,
        lease.as_secs_f64(),
        limit,
    )
    .fetch_all(pool.executor())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lane {
            key: LaneKey { organization: row.organization_id.into(), channel: row.channel_id.into() },
            fence: row.fence,
            unclean: row.unclean,
            warm: row.warm,
            rate_factor: row.rate_factor,
        })
        .collect())
}

/// Renews the leases of all lanes of a worker in one statement; a lane that is missing in the answer was lost or is locked for the moment.
pub async fn renew(connection: &mut sqlx::PgConnection, owner: Uuid, lease: Duration, lanes: &[LaneRate]) -> Result<Vec<Renewal>, DbError> {
    let organizations: Vec<Uuid> = lanes.iter().map(|lane| lane.key.organization.uuid()).collect();
    let channels: Vec<Uuid> = lanes.iter().map(|lane| lane.key.channel.uuid()).collect();
    let fences: Vec<i64> = lanes.iter().map(|lane| lane.fence).collect();
    let factors: Vec<f32> = lanes.iter().map(|lane| lane.rate_factor).collect();
    let rows = sqlx::query!(
        "with mine as materialized (
            select l.organization_id, l.channel_id, w.rate_factor
            from unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::real[]) as w (organization_id, channel_id, fence, rate_factor)
            join lanes l on l.organization_id = w.organization_id and l.channel_id = w.channel_id
            where l.owner = $1 and l.fence = w.fence
            order by l.organization_id, l.channel_id
            for no key update of l skip locked
        )
        update lanes l
        set lease_until = clock_timestamp() + make_interval(secs => $2), rate_factor = mine.rate_factor
        from mine
        where l.organization_id = mine.organization_id and l.channel_id = mine.channel_id
        returning l.organization_id, l.channel_id, l.fence",
        owner,
        lease.as_secs_f64(),
        &organizations,
        &channels,
        &fences,
        &factors,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (LaneKey { organization: row.organization_id.into(), channel: row.channel_id.into() }, row.fence))
        .collect())
}

/// How often the lane was signalled so far. Read it **before** looking for work, and hand it to [`give_back`] when the look found nothing.
pub async fn wake_seq(pool: &LedgerPool, key: LaneKey) -> Result<i64, DbError> {
    let wake_seq = sqlx::query_scalar!(
        "select wake_seq from lane_signals where organization_id = $1 and channel_id = $2",
        key.organization as _,
        key.channel as _,
    )
    .fetch_optional(pool.executor())
    .await?;
    Ok(wake_seq.unwrap_or(0))
}

/// Gives the lane back. `seen_seq` is what [`wake_seq`] said before the empty look; `next_due` the instant at which something falls due.
/// A lane given back with work left passes `None` for `seen_seq`, and can be taken again at once.
pub async fn give_back(
    pool: &LedgerPool,
    owner: Uuid,
    lane: LaneRate,
    seen_seq: Option<i64>,
    next_due: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update lanes
         set owner = null, lease_until = null, released_at = clock_timestamp(), rate_factor = $5,
             seen_seq = coalesce($6, seen_seq),
             next_due = case when $6::bigint is null then clock_timestamp() else $7 end
         where organization_id = $1 and channel_id = $2 and owner = $3 and fence = $4",
        lane.key.organization as _,
        lane.key.channel as _,
        owner,
        lane.fence,
        lane.rate_factor,
        seen_seq,
        next_due,
    )
    .execute(pool.executor())
    .await?;
    Ok(())
}

/// Lets the whole lane rest for `pause`, and says why to whoever reads the analytics.
pub async fn rest(pool: &LedgerPool, key: LaneKey, fence: i64, pause: Duration, reason: &str) -> Result<(), DbError> {
    sqlx::query!(
        "update lanes set not_before = clock_timestamp() + make_interval(secs => $4), not_before_reason = $5
         where organization_id = $1 and channel_id = $2 and fence = $3",
        key.organization as _,
        key.channel as _,
        fence,
        pause.as_secs_f64(),
        reason,
    )
    .execute(pool.executor())
    .await?;
    Ok(())
}
