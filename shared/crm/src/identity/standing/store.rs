//! The statements that tell how logins and keys stand.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{ApiKeyId, OrganizationId, SessionId};
use uuid::Uuid;

use super::{KeyStanding, Standing, bad_row};
use crate::identity::{
    permissions::Permission,
    rights::{Rights, Role, RoleName},
};

/// Everything that a login's rights depend on, in one snapshot.
pub(super) async fn standing(tx: &mut IdentityTx, now: DateTime<Utc>, id: SessionId) -> Result<Option<Standing>, DbError> {
    let row = sqlx::query!(
        r#"select sessions.user_id, sessions.organization_id, sessions.authenticated_at, memberships.role, roles.id as "role_id?",
                  roles.key as "role_key?", roles.permissions as "role_permissions?", users.super_admin
           from sessions
           join memberships on memberships.organization_id = sessions.organization_id and memberships.user_id = sessions.user_id
           join users on users.id = sessions.user_id
           join organizations on organizations.id = sessions.organization_id
           left join roles on roles.organization_id = memberships.organization_id and roles.id = memberships.custom_role_id
           where sessions.id = $1
             and sessions.revoked_at is null
             and sessions.expires_at > $2
             and sessions.absolute_expires_at > $2
             and memberships.joined_at is not null
             and memberships.disabled_at is null
             and organizations.deactivated_at is null"#,
        id.uuid(),
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        let custom = row.role_id.zip(row.role_key);
        let role = role_name(row.user_id, &row.role, custom)?;
        let rights = role_rights(&role, row.role_permissions.as_deref());
        let rights = if row.super_admin { rights.with(Permission::ClientsManage) } else { rights };
        Ok(Standing {
            user: row.user_id.into(),
            organization: row.organization_id.into(),
            role,
            rights,
            authenticated_at: row.authenticated_at,
        })
    })
    .transpose()
}

/// The role of a member from the word in `memberships` and, for `custom`, id and key of the row in `roles`.
pub(in crate::identity) fn role_name(user: Uuid, word: &str, custom: Option<(Uuid, String)>) -> Result<RoleName, DbError> {
    match (Role::parse(word), custom) {
        (Some(role), None) => Ok(RoleName::BuiltIn(role)),
        (None, Some((id, key))) if word == RoleName::CUSTOM => Ok(RoleName::Custom { id: id.into(), key: key.into() }),
        _ => Err(bad_row("memberships", user, "role")),
    }
}

/// What a role allows; `custom` are the words of one of the organization's own.
pub(in crate::identity) fn role_rights(role: &RoleName, custom: Option<&[String]>) -> Rights {
    match role {
        RoleName::BuiltIn(role) => role.rights(),
        RoleName::Custom { .. } => Rights::of_words(custom.unwrap_or_default()).grantable(),
    }
}

/// A key by its hash, with its last use.
pub(super) async fn key_standing(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    hash: &[u8],
) -> Result<Option<(KeyStanding, Option<DateTime<Utc>>)>, DbError> {
    let row = sqlx::query!(
        "select api_keys.id, api_keys.organization_id, api_keys.permissions, api_keys.expires_at, api_keys.last_used_at
         from api_keys
         join organizations on organizations.id = api_keys.organization_id
         where api_keys.key_hash = $1
           and api_keys.revoked_at is null
           and (api_keys.expires_at is null or api_keys.expires_at > $2)
           and organizations.deactivated_at is null",
        hash,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| {
        let standing = KeyStanding {
            key: row.id.into(),
            organization: row.organization_id.into(),
            rights: Rights::of_words(&row.permissions).grantable(),
            expires_at: row.expires_at,
        };
        (standing, row.last_used_at)
    }))
}

/// Writes down that a key is in use, unless another process did so since `before`.
pub(super) async fn key_used(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    key: ApiKeyId,
    before: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update api_keys set last_used_at = $3
         where organization_id = $1 and id = $2 and (last_used_at is null or last_used_at <= $4)",
        organization.uuid(),
        key.uuid(),
        now,
        before,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
