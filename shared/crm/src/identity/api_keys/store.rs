//! The statements over keys.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{ApiKeyId, Page, PageRequest};
use uuid::Uuid;

use super::model::ApiKey;
use crate::identity::rights::Rights;

struct ApiKeyRow {
    id: Uuid,
    name: String,
    prefix: String,
    permissions: Vec<String>,
    created_by: Option<Uuid>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            prefix: row.prefix,
            rights: Rights::of_words(&row.permissions).grantable(),
            created_by: row.created_by.map(Into::into),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

pub(super) async fn list(tx: &mut TenantTx, request: PageRequest) -> Result<Page<ApiKey>, DbError> {
    let rows = sqlx::query_as!(
        ApiKeyRow,
        "select id, name, prefix, permissions, created_by, created_at, expires_at, last_used_at
         from api_keys
         where revoked_at is null and ($1::uuid is null or id < $1)
         order by id desc
         limit $2",
        request.after.map(|cursor| cursor.0),
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Page::from_rows(rows.into_iter().map(ApiKey::from).collect(), request, |key| key.id.uuid()))
}

pub(super) async fn count(tx: &mut TenantTx) -> Result<i64, DbError> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from api_keys where revoked_at is null"#)
        .fetch_one(tx.conn())
        .await
        .map_err(DbError::from)
}

pub(super) async fn insert(tx: &mut TenantTx, key: &ApiKey, hash: &[u8]) -> Result<(), DbError> {
    let organization = tx.organization();
    let permissions: Vec<String> = key.rights.words().into_iter().map(str::to_owned).collect();
    sqlx::query!(
        "insert into api_keys (organization_id, id, name, prefix, key_hash, permissions, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        organization.uuid(),
        key.id.uuid(),
        key.name,
        key.prefix,
        hash,
        &permissions,
        key.created_by.map(kernel::UserId::uuid),
        key.created_at,
        key.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn revoke(tx: &mut TenantTx, now: DateTime<Utc>, id: ApiKeyId) -> Result<bool, DbError> {
    let done =
        sqlx::query!("update api_keys set revoked_at = $2 where id = $1 and revoked_at is null", id.uuid(), now).execute(tx.conn()).await?;
    Ok(done.rows_affected() == 1)
}
