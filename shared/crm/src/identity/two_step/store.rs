//! The statements over two-step logins.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::UserId;

use super::TwoStepStatus;

/// The secret of an account, and the last step of which a code was taken.
pub(super) struct TwoStep {
    pub(super) secret: Vec<u8>,
    pub(super) confirmed: bool,
    pub(super) last_step: i64,
}

pub(super) async fn status(tx: &mut IdentityTx, user: UserId) -> Result<TwoStepStatus, DbError> {
    let row = sqlx::query!(
        r#"select (select confirmed_at from two_step where user_id = $1) as confirmed_at,
                  (select count(*) from recovery_codes where user_id = $1 and used_at is null) as "left!""#,
        user.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(TwoStepStatus { confirmed_at: row.confirmed_at, recovery_codes_left: row.left })
}

/// Stores a new secret unless one was confirmed; answers whether it did.
pub(super) async fn begin(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId, sealed: &[u8]) -> Result<bool, DbError> {
    let begun = sqlx::query!(
        "insert into two_step (user_id, secret, created_at)
         values ($1, $2, $3)
         on conflict (user_id) do update
         set secret = excluded.secret, created_at = excluded.created_at, last_step = 0
         where two_step.confirmed_at is null",
        user.uuid(),
        sealed,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(begun.rows_affected() > 0)
}

/// The two-step login of an account, locked: of two requests with the same code one comes after the other.
pub(super) async fn lock(tx: &mut IdentityTx, user: UserId) -> Result<Option<TwoStep>, DbError> {
    let row = sqlx::query_as!(
        TwoStep,
        r#"select secret, confirmed_at is not null as "confirmed!", last_step from two_step where user_id = $1 for update"#,
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn confirm(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId, step: i64) -> Result<(), DbError> {
    sqlx::query!("update two_step set confirmed_at = $2, last_step = $3 where user_id = $1", user.uuid(), now, step)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Codes of `step` and before it count no more.
pub(super) async fn took(tx: &mut IdentityTx, user: UserId, step: i64) -> Result<(), DbError> {
    sqlx::query!("update two_step set last_step = $2 where user_id = $1", user.uuid(), step).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets secret and recovery codes.
pub(super) async fn remove(tx: &mut IdentityTx, user: UserId) -> Result<(), DbError> {
    sqlx::query!("delete from two_step where user_id = $1", user.uuid()).execute(tx.conn()).await?;
    sqlx::query!("delete from recovery_codes where user_id = $1", user.uuid()).execute(tx.conn()).await?;
    Ok(())
}

pub(super) async fn recovery_codes_replace(tx: &mut IdentityTx, user: UserId, hashes: &[Vec<u8>]) -> Result<(), DbError> {
    sqlx::query!("delete from recovery_codes where user_id = $1", user.uuid()).execute(tx.conn()).await?;
    sqlx::query!(
        "insert into recovery_codes (user_id, code_hash) select $1, hash from unnest($2::bytea[]) as new (hash)",
        user.uuid(),
        hashes
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a recovery code up; answers whether there was such a one.
pub(super) async fn recovery_code_use(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId, hash: &[u8]) -> Result<bool, DbError> {
    let used = sqlx::query!(
        "update recovery_codes set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null",
        user.uuid(),
        hash,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(used.rows_affected() > 0)
}
