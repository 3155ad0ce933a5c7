//! Fires the ticks of the cron page, each exactly once however many schedulers look.

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};

use crate::cron::{CatchUp, Entry};

/// A tick that is fired later than this was missed: then the entry's policy decides.
const MISSED_AFTER: TimeDelta = TimeDelta::seconds(60);
/// Ticks are remembered so long that no scheduler can still be busy with one.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// What looking at an entry led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing was due.
    NotDue,
    /// This call fired the tick.
    Fired(DateTime<Utc>),
    /// Another scheduler did.
    FiredElsewhere(DateTime<Utc>),
    /// Its time had passed and late is wrong.
    Missed(DateTime<Utc>),
}

/// The instant on the clock of the database: the one clock that all schedulers share.
pub async fn now(db: &Db) -> Result<DateTime<Utc>, DbError> {
    let mut tx = db.system("read the clock").await?;
    let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(tx.conn()).await?;
    tx.rollback().await?;
    Ok(now)
}

/// Fires what is due of `entry` at `now`: the tick, its job and the memory of both commit together.
pub async fn look(db: &Db, entry: &Entry, now: DateTime<Utc>) -> Result<Look, DbError> {
    let mut tx = db.system("fire the cron page").await?;
    let known = sqlx::query_scalar!(
        "select last_tick_at from schedules where id = $1 and expression = $2 and zone = $3",
        entry.id,
        entry.cron.as_str(),
        entry.zone.name(),
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(Some(last)) = known
        && entry.newest_between(last, now).is_none()
    {
        tx.rollback().await?;
        return Ok(Look::NotDue);
    }
    // An entry that is new, or whose times were changed, begins now.
    let last = sqlx::query_scalar!(
        r#"insert into schedules as known (id, expression, zone, last_tick_at, next_tick_at)
           values ($1, $2, $3, $4, $5)
           on conflict (id) do update
           set expression = excluded.expression, zone = excluded.zone,
               last_tick_at = case
                   when (known.expression, known.zone) = (excluded.expression, excluded.zone) then known.last_tick_at
                   else excluded.last_tick_at
               end
           returning last_tick_at as "last_tick_at!""#,
        entry.id,
        entry.cron.as_str(),
        entry.zone.name(),
        now,
        entry.next_after(now),
    )
    .fetch_one(tx.conn())
    .await?;
    let Some(tick) = entry.newest_between(last, now) else {
        tx.commit().await?;
        return Ok(Look::NotDue);
    };
    let look = if entry.catch_up == CatchUp::None && now - tick > MISSED_AFTER {
        Look::Missed(tick)
    } else {
        let fired = sqlx::query!(
            "insert into schedule_ticks (schedule_id, tick_at) values ($1, $2) on conflict (schedule_id, tick_at) do nothing",
            entry.id,
            tick,
        )
        .execute(tx.conn())
        .await?;
        if fired.rows_affected() == 0 { Look::FiredElsewhere(tick) } else { Look::Fired(tick) }
    };
    if look == Look::Fired(tick) {
        let job = entry.fire(&mut tx, tick).await?;
        sqlx::query!("update schedule_ticks set job_id = $3 where schedule_id = $1 and tick_at = $2", entry.id, tick, job as _)
            .execute(tx.conn())
            .await?;
    }
    sqlx::query!(
        "update schedules
         set last_tick_at = greatest(last_tick_at, $2), next_tick_at = $3, updated_at = now()
         where id = $1",
        entry.id,
        tick,
        entry.next_after(now),
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(look)
}

/// Forgets ticks of long ago.
pub async fn forget(db: &Db, now: DateTime<Utc>) -> Result<u64, DbError> {
    let mut tx = db.system("forget old ticks").await?;
    let forgotten =
        sqlx::query!("delete from schedule_ticks where tick_at < $1", now - REMEMBERED).execute(tx.conn()).await?.rows_affected();
    tx.commit().await?;
    Ok(forgotten)
}
