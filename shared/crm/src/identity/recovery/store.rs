//! The statements over requests of those who forgot a password.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{EmailAddress, PasswordResetRequestId};

pub(super) async fn request_insert(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    id: PasswordResetRequestId,
    email: &EmailAddress,
) -> Result<(), DbError> {
    sqlx::query!("insert into password_reset_requests (id, email, created_at) values ($1, $2, $3)", id.uuid(), email.as_str(), now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Removes a request and answers its address.
pub(super) async fn request_take(tx: &mut IdentityTx, id: PasswordResetRequestId) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!("delete from password_reset_requests where id = $1 returning email", id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// Deletes some requests made before `before`; answers how many.
pub(in crate::identity) async fn purge(tx: &mut IdentityTx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let deleted = sqlx::query!(
        "delete from password_reset_requests
         where id in (select id from password_reset_requests where created_at < $1 order by id limit $2)",
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}
