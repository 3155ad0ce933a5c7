//! The statements over members.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx, TenantTx, Tx};
use kernel::{OrganizationId, Page, PageRequest, UserId};
use uuid::Uuid;

use super::model::{Invitation, Locked, Member};
use crate::identity::{
    permissions::Permission,
    rights::{Rights, RoleName},
    standing::{role_name, role_rights},
};

struct MemberRow {
    id: Uuid,
    email: String,
    first_name: String,
    last_name: String,
    phone_number: Option<String>,
    email_verified: bool,
    role: String,
    role_id: Option<Uuid>,
    role_key: Option<String>,
    invited_at: Option<DateTime<Utc>>,
    joined_at: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    last_seen_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<MemberRow> for Member {
    type Error = DbError;

    fn try_from(row: MemberRow) -> Result<Self, DbError> {
        Ok(Self {
            user: row.id.into(),
            role: role_name(row.id, &row.role, row.role_id.zip(row.role_key))?,
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            phone_number: row.phone_number,
            email_verified: row.email_verified,
            invited_at: row.invited_at,
            joined_at: row.joined_at,
            disabled_at: row.disabled_at,
            last_seen_at: row.last_seen_at,
            created_at: row.created_at,
        })
    }
}

/// Members of the transaction's organization, newest first.
pub(super) async fn list(tx: &mut TenantTx, request: PageRequest) -> Result<Page<Member>, DbError> {
    let rows = sqlx::query_as!(
        MemberRow,
        r#"select users.id, users.email, users.first_name, users.last_name, users.phone_number,
                  users.email_verified_at is not null as "email_verified!", memberships.role, roles.id as "role_id?",
                  roles.key as "role_key?", memberships.invited_at, memberships.joined_at, memberships.disabled_at,
                  (select max(rotated_at) from sessions where sessions.user_id = memberships.user_id) as last_seen_at,
                  memberships.created_at
           from memberships
           join users on users.id = memberships.user_id
           left join roles on roles.id = memberships.custom_role_id
           where ($1::uuid is null or memberships.user_id < $1)
           order by memberships.user_id desc
           limit $2"#,
        request.after.map(|cursor| cursor.0),
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let members = rows.into_iter().map(Member::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::from_rows(members, request, |member| member.user.uuid()))
}

/// Members of the transaction's organization who may sign in, with their address and rights.
pub(super) async fn active(tx: &mut TenantTx) -> Result<Vec<(UserId, String, Rights)>, DbError> {
    let rows = sqlx::query!(
        r#"select users.id, users.email, memberships.role, roles.id as "role_id?", roles.key as "role_key?",
                  roles.permissions as "role_permissions?"
           from memberships
           join users on users.id = memberships.user_id
           left join roles on roles.id = memberships.custom_role_id
           where memberships.joined_at is not null and memberships.disabled_at is null
           order by users.id
           limit 1000"#,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let role = role_name(row.id, &row.role, row.role_id.zip(row.role_key))?;
            Ok((row.id.into(), row.email, role_rights(&role, row.role_permissions.as_deref())))
        })
        .collect()
}

pub(super) async fn find<T: Tx>(tx: &mut T, organization: OrganizationId, user: UserId) -> Result<Option<Member>, DbError> {
    let row = sqlx::query_as!(
        MemberRow,
        r#"select users.id, users.email, users.first_name, users.last_name, users.phone_number,
                  users.email_verified_at is not null as "email_verified!", memberships.role, roles.id as "role_id?",
                  roles.key as "role_key?", memberships.invited_at, memberships.joined_at, memberships.disabled_at,
                  (select max(rotated_at) from sessions
                   where sessions.user_id = memberships.user_id and sessions.organization_id = memberships.organization_id) as last_seen_at,
                  memberships.created_at
           from memberships
           join users on users.id = memberships.user_id
           left join roles on roles.organization_id = memberships.organization_id and roles.id = memberships.custom_role_id
           where memberships.organization_id = $1 and memberships.user_id = $2"#,
        organization.uuid(),
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Member::try_from).transpose()
}

/// Locks the account of a member, but not against rows that only refer to it.
pub(super) async fn lock_account(tx: &mut IdentityTx, organization: OrganizationId, user: UserId) -> Result<(), DbError> {
    sqlx::query!(
        "select id from users
         where id = $2 and exists (select from memberships where organization_id = $1 and user_id = $2)
         for no key update",
        organization.uuid(),
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

/// Locks a member and all active admins, in the order of their ids: of two changes that concern who runs the organization, one comes
/// after the other.
pub(super) async fn lock(tx: &mut IdentityTx, organization: OrganizationId, user: UserId) -> Result<(), DbError> {
    sqlx::query!(
        "select user_id from memberships
         where organization_id = $1
           and (user_id = $2 or (role = 'admin' and joined_at is not null and disabled_at is null))
         order by user_id
         for update",
        organization.uuid(),
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(())
}

/// A member that [`lock`] has locked.
pub(super) async fn locked(tx: &mut IdentityTx, organization: OrganizationId, user: UserId) -> Result<Option<Locked>, DbError> {
    let row = sqlx::query!(
        r#"select memberships.user_id, memberships.role, roles.id as "role_id?", roles.key as "role_key?",
                  roles.permissions as "role_permissions?", memberships.joined_at is not null as "joined!",
                  memberships.disabled_at is not null as "disabled!", users.super_admin
           from memberships
           join users on users.id = memberships.user_id
           left join roles on roles.organization_id = memberships.organization_id and roles.id = memberships.custom_role_id
           where memberships.organization_id = $1 and memberships.user_id = $2"#,
        organization.uuid(),
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        let role = role_name(row.user_id, &row.role, row.role_id.zip(row.role_key))?;
        let rights = role_rights(&role, row.role_permissions.as_deref());
        Ok(Locked {
            user: row.user_id.into(),
            role,
            rights: if row.super_admin { rights.with(Permission::ClientsManage) } else { rights },
            joined: row.joined,
            disabled: row.disabled,
        })
    })
    .transpose()
}

/// Active admins beside a member.
pub(super) async fn other_admins(tx: &mut IdentityTx, organization: OrganizationId, user: UserId) -> Result<i64, DbError> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from memberships
           where organization_id = $1 and user_id <> $2 and role = 'admin' and joined_at is not null and disabled_at is null"#,
        organization.uuid(),
        user.uuid(),
    )
    .fetch_one(tx.conn())
    .await
    .map_err(DbError::from)
}

/// An account without a password, for somebody who is invited.
pub(super) async fn insert_user(tx: &mut IdentityTx, now: DateTime<Utc>, id: UserId, invitation: &Invitation) -> Result<(), DbError> {
    sqlx::query!(
        "insert into users (id, email, first_name, last_name, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
        id.uuid(),
        invitation.email.as_str(),
        invitation.first_name,
        invitation.last_name,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert_invited(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
    role: &RoleName,
) -> Result<(), DbError> {
    let (word, custom) = stored(role);
    sqlx::query!(
        "insert into memberships (organization_id, user_id, role, custom_role_id, invited_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5, $5)",
        organization.uuid(),
        user.uuid(),
        word,
        custom,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update_role(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
    role: &RoleName,
) -> Result<(), DbError> {
    let (word, custom) = stored(role);
    sqlx::query!(
        "update memberships set role = $3, custom_role_id = $4, updated_at = $5 where organization_id = $1 and user_id = $2",
        organization.uuid(),
        user.uuid(),
        word,
        custom,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn stored(role: &RoleName) -> (&'static str, Option<Uuid>) {
    match role {
        RoleName::BuiltIn(role) => (role.as_str(), None),
        RoleName::Custom { id, .. } => (RoleName::CUSTOM, Some(id.uuid())),
    }
}

/// Disables a member since an instant, or enables them again.
pub(super) async fn update_disabled(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
    disabled_at: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update memberships set disabled_at = $3, updated_at = $4 where organization_id = $1 and user_id = $2",
        organization.uuid(),
        user.uuid(),
        disabled_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update_invited(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
) -> Result<(), DbError> {
    sqlx::query!(
        "update memberships set invited_at = $3, updated_at = $3 where organization_id = $1 and user_id = $2",
        organization.uuid(),
        user.uuid(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends all logins of a member; returns how many there were.
pub(super) async fn revoke_sessions(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
    reason: &str,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "update sessions set revoked_at = $3, ended_reason = $4
         where organization_id = $1 and user_id = $2 and revoked_at is null and expires_at > $3 and absolute_expires_at > $3",
        organization.uuid(),
        user.uuid(),
        now,
        reason,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Removes an invited member whom [`lock_account`] and [`lock`] have locked, and the account unless it is good for anything else.
pub(super) async fn delete_invited(tx: &mut IdentityTx, organization: OrganizationId, user: UserId) -> Result<(), DbError> {
    // Before the account: who makes a new link holds the one before and then refers to the account.
    sqlx::query!("delete from one_time_tokens where organization_id = $1 and user_id = $2", organization.uuid(), user.uuid())
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "delete from memberships where organization_id = $1 and user_id = $2 and joined_at is null",
        organization.uuid(),
        user.uuid(),
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "delete from users where id = $1 and password_hash is null and not exists (select from memberships where user_id = $1)",
        user.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives an invited account its password and notes the consent; whoever had the mail reads the address. False when the account has one already.
pub(super) async fn complete_user(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    user: UserId,
    password_hash: &str,
    terms_version: &str,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update users
         set password_hash = $2, terms_accepted_at = $3, terms_version = $4,
             email_verified_at = coalesce(email_verified_at, $3), updated_at = $3
         where id = $1 and password_hash is null",
        user.uuid(),
        password_hash,
        now,
        terms_version,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes an invited member an active one. False when there is nobody to join, or nothing that could be joined.
pub(super) async fn join(tx: &mut IdentityTx, now: DateTime<Utc>, organization: OrganizationId, user: UserId) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update memberships set joined_at = $3, updated_at = $3
         where organization_id = $1 and user_id = $2 and joined_at is null and disabled_at is null
           and exists (select from organizations where id = $1 and deactivated_at is null)",
        organization.uuid(),
        user.uuid(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
