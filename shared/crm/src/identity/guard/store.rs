//! The counters of failed sign-ins. Rows are always locked in the order of their keys.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::UserId;

use super::Count;

/// The counters of these keys, locked; those that are not there yet begin at none.
pub(super) async fn lock(tx: &mut IdentityTx, now: DateTime<Utc>, keys: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Count>, DbError> {
    sqlx::query!(
        "insert into login_failures (key, failures, last_failed_at)
         select key, 0, $2
         from unnest($1::bytea[]) as wanted (key)
         order by key
         on conflict (key) do nothing",
        keys,
        now,
    )
    .execute(tx.conn())
    .await?;
    let rows = sqlx::query!("select key, failures, last_failed_at from login_failures where key = any($1) order by key for update", keys)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| (row.key, Count { failures: row.failures, last_failed_at: row.last_failed_at })).collect())
}

/// One more failure for locked counters; those not touched since `stale_before` begin anew.
pub(super) async fn count(tx: &mut IdentityTx, now: DateTime<Utc>, keys: &[Vec<u8>], stale_before: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!(
        "update login_failures
         set failures = case when last_failed_at < $3 then 1 else least(failures, 1000000) + 1 end, last_failed_at = $2
         where key = any($1)",
        keys,
        now,
        stale_before,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Locks counters, so that what follows may take them in any order.
pub(super) async fn hold(tx: &mut IdentityTx, keys: &[Vec<u8>]) -> Result<(), DbError> {
    sqlx::query!("select key from login_failures where key = any($1) order by key for update", keys).fetch_all(tx.conn()).await?;
    Ok(())
}

/// One failure less for locked counters.
pub(super) async fn take_back(tx: &mut IdentityTx, keys: &[Vec<u8>]) -> Result<(), DbError> {
    sqlx::query!("update login_failures set failures = greatest(failures - 1, 0) where key = any($1)", keys).execute(tx.conn()).await?;
    Ok(())
}

/// Removes locked counters.
pub(super) async fn forget(tx: &mut IdentityTx, keys: &[Vec<u8>]) -> Result<(), DbError> {
    sqlx::query!("delete from login_failures where key = any($1)", keys).execute(tx.conn()).await?;
    Ok(())
}

/// Whether the account had a login in the network since `since`.
pub(super) async fn is_own_network(
    tx: &mut IdentityTx,
    user: Option<UserId>,
    network: Option<&str>,
    since: DateTime<Utc>,
) -> Result<bool, DbError> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from sessions where user_id = $1 and address <<= $2::text::inet and rotated_at > $3) as "found!""#,
        user.map(UserId::uuid),
        network,
        since,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Deletes some counters that nobody touched since `before`; answers how many.
pub(in crate::identity) async fn purge(tx: &mut IdentityTx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let deleted = sqlx::query!(
        "delete from login_failures
         where key in (select key from login_failures where last_failed_at < $1 order by key limit $2 for update skip locked)",
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}
