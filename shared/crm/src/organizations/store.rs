//! The statements over organizations.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx, TenantTx};

use super::model::Organization;

/// Adds an organization; tells whether its slug was free.
pub(super) async fn insert_if_free(tx: &mut IdentityTx, organization: &Organization) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into organizations (id, name, slug, created_at, updated_at) values ($1, $2, $3, $4, $5) on conflict (slug) do nothing",
        organization.id.uuid(),
        organization.name,
        organization.slug,
        organization.created_at,
        organization.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn find(tx: &mut TenantTx) -> Result<Option<Organization>, DbError> {
    let organization = tx.organization();
    let row = sqlx::query_as!(
        Organization,
        "select id, name, slug, created_at, updated_at from organizations where id = $1",
        organization.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn rename(tx: &mut TenantTx, now: DateTime<Utc>, name: &str) -> Result<Option<Organization>, DbError> {
    let organization = tx.organization();
    let row = sqlx::query_as!(
        Organization,
        "update organizations set name = $2, updated_at = $3 where id = $1 returning id, name, slug, created_at, updated_at",
        organization.uuid(),
        name,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}
