//! The statements over roles.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx, TenantTx};
use kernel::{OrganizationId, RoleId};
use uuid::Uuid;

use super::model::{CustomRole, MOST};
use crate::identity::rights::{Rights, Role, RoleName};

struct RoleRow {
    id: Uuid,
    key: String,
    name: String,
    description: String,
    permissions: Vec<String>,
    members: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<RoleRow> for CustomRole {
    fn from(row: RoleRow) -> Self {
        Self {
            id: row.id.into(),
            key: row.key,
            name: row.name,
            description: row.description,
            rights: Rights::of_words(&row.permissions).grantable(),
            members: row.members,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The role of a word with its rights: a built-in one, or one of the organization's own.
pub(in crate::identity) async fn resolve(
    tx: &mut IdentityTx,
    organization: OrganizationId,
    word: &str,
) -> Result<Option<(RoleName, Rights)>, DbError> {
    if let Some(role) = Role::parse(word) {
        return Ok(Some((RoleName::BuiltIn(role), role.rights())));
    }
    let row = sqlx::query!("select id, key, permissions from roles where organization_id = $1 and key = $2", organization.uuid(), word,)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|row| {
        let rights = Rights::of_words(&row.permissions).grantable();
        (RoleName::Custom { id: row.id.into(), key: row.key.into() }, rights)
    }))
}

pub(super) async fn list(tx: &mut TenantTx) -> Result<Vec<CustomRole>, DbError> {
    let rows = sqlx::query_as!(
        RoleRow,
        r#"select id, key, name, description, permissions, created_at, updated_at,
                  (select count(*) from memberships where memberships.custom_role_id = roles.id) as "members!"
           from roles
           order by lower(name), id
           limit $1"#,
        // A few more than there can be, if several were made at one moment.
        i64::try_from(2 * MOST).unwrap_or(i64::MAX),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn find(tx: &mut TenantTx, id: RoleId) -> Result<Option<CustomRole>, DbError> {
    let row = sqlx::query_as!(
        RoleRow,
        r#"select id, key, name, description, permissions, created_at, updated_at,
                  (select count(*) from memberships where memberships.custom_role_id = roles.id) as "members!"
           from roles
           where id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Locks a role, so that of two changes one comes after the other.
pub(super) async fn lock(tx: &mut TenantTx, id: RoleId) -> Result<(), DbError> {
    sqlx::query!("select id from roles where id = $1 for update", id.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

pub(super) async fn count(tx: &mut TenantTx) -> Result<i64, DbError> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from roles"#).fetch_one(tx.conn()).await.map_err(DbError::from)
}

pub(super) async fn insert(tx: &mut TenantTx, role: &CustomRole) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into roles (organization_id, id, key, name, description, permissions, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        organization.uuid(),
        role.id.uuid(),
        role.key,
        role.name,
        role.description,
        &words(role.rights),
        role.created_at,
        role.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut TenantTx, role: &CustomRole) -> Result<(), DbError> {
    sqlx::query!(
        "update roles set name = $2, description = $3, permissions = $4, updated_at = $5 where id = $1",
        role.id.uuid(),
        role.name,
        role.description,
        &words(role.rights),
        role.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut TenantTx, id: RoleId) -> Result<(), DbError> {
    sqlx::query!("delete from roles where id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

fn words(rights: Rights) -> Vec<String> {
    rights.words().into_iter().map(str::to_owned).collect()
}
