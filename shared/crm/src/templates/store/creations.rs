//! Creations of templates by the provider's account, across organizations.

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx};
use uuid::Uuid;

/// Keeps others from taking a place of the account until the transaction ends.
pub(in crate::templates) async fn creations_lock(tx: &mut SystemTx, business_account_id: &str) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('template_creations:' || $1, 0))", business_account_id)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

/// Forgets places that were taken up to `until`.
pub(in crate::templates) async fn creations_forget(
    tx: &mut SystemTx,
    business_account_id: &str,
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!("delete from template_creations where business_account_id = $1 and created_at <= $2", business_account_id, until)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Of the places that are taken, the one that is number `n` from the newest (the first is 0).
pub(in crate::templates) async fn creations_nth(
    tx: &mut SystemTx,
    business_account_id: &str,
    n: i64,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let taken = sqlx::query_scalar!(
        "select created_at
         from template_creations
         where business_account_id = $1
         order by created_at desc
         offset $2
         limit 1",
        business_account_id,
        n,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(taken)
}

pub(in crate::templates) async fn creations_insert(
    tx: &mut SystemTx,
    business_account_id: &str,
    at: DateTime<Utc>,
    id: Uuid,
) -> Result<(), DbError> {
    sqlx::query!("insert into template_creations (business_account_id, created_at, id) values ($1, $2, $3)", business_account_id, at, id,)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(in crate::templates) async fn creations_delete(tx: &mut SystemTx, business_account_id: &str, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("delete from template_creations where business_account_id = $1 and id = $2", business_account_id, id)
        .execute(tx.conn())
        .await?;
    Ok(())
}
