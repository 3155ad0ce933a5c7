//! The statements over accounts, memberships and sessions.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx, TenantTx};
use kernel::{OrganizationId, SessionId, UserId};

use super::{
    model::{Registration, Session, User},
    permissions::Role,
};

/// What signing in must know of an account.
pub(super) struct Credentials {
    pub(super) user: UserId,
    pub(super) organization: OrganizationId,
    pub(super) role: Role,
    pub(super) password_hash: String,
}

pub(super) async fn user_insert(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    registration: &Registration,
    password_hash: &str,
) -> Result<User, DbError> {
    let user = User {
        id: UserId::at(now),
        email: registration.email.as_str().to_owned(),
        first_name: registration.first_name.clone(),
        last_name: registration.last_name.clone(),
        phone_number: registration.phone_number.as_ref().map(|number| number.as_e164().to_owned()),
        created_at: now,
    };
    sqlx::query!(
        "insert into users (id, email, first_name, last_name, phone_number, password_hash, terms_accepted_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $7)",
        user.id.uuid(),
        user.email,
        user.first_name,
        user.last_name,
        user.phone_number,
        password_hash,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(user)
}

pub(super) async fn membership_insert(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into memberships (organization_id, user_id, role, created_at) values ($1, $2, $3, $4)",
        organization.uuid(),
        user.uuid(),
        role.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The account of an address, with its first organization.
pub(super) async fn credentials_find(tx: &mut IdentityTx, email: &str) -> Result<Option<Credentials>, DbError> {
    let row = sqlx::query!(
        "select users.id, users.password_hash, memberships.organization_id, memberships.role
         from users
         join memberships on memberships.user_id = users.id
         where lower(users.email) = lower($1)
         order by memberships.created_at, memberships.organization_id
         limit 1",
        email,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Credentials {
            user: row.id.into(),
            organization: row.organization_id.into(),
            role: role(row.id, &row.role)?,
            password_hash: row.password_hash,
        })
    })
    .transpose()
}

/// An account, for a member of the same organization.
pub(super) async fn user_find(tx: &mut TenantTx, id: UserId) -> Result<Option<User>, DbError> {
    let row = sqlx::query!("select id, email, first_name, last_name, phone_number, created_at from users where id = $1", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|row| User {
        id: row.id.into(),
        email: row.email,
        first_name: row.first_name,
        last_name: row.last_name,
        phone_number: row.phone_number,
        created_at: row.created_at,
    }))
}

pub(super) async fn session_insert(tx: &mut IdentityTx, now: DateTime<Utc>, family_hash: &[u8], session: &Session) -> Result<(), DbError> {
    sqlx::query!(
        "insert into sessions
             (id, user_id, organization_id, family_hash, token_hash, rotated_at, expires_at, absolute_expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $6)",
        session.id.uuid(),
        session.user.uuid(),
        session.organization.uuid(),
        family_hash,
        session.token_hash,
        now,
        session.expires_at,
        session.absolute_expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The login of a family, locked: of two requests with the same token one comes after the other.
pub(super) async fn session_lock(tx: &mut IdentityTx, family_hash: &[u8]) -> Result<Option<Session>, DbError> {
    let row = sqlx::query!(
        r#"select sessions.id, sessions.user_id, sessions.organization_id, memberships.role, token_hash, previous_hash, rotated_at,
                  expires_at, absolute_expires_at, revoked_at is not null as "revoked!"
           from sessions
           join memberships on memberships.organization_id = sessions.organization_id and memberships.user_id = sessions.user_id
           where family_hash = $1
           for update of sessions"#,
        family_hash,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Session {
            id: row.id.into(),
            user: row.user_id.into(),
            organization: row.organization_id.into(),
            role: role(row.user_id, &row.role)?,
            token_hash: row.token_hash,
            previous_hash: row.previous_hash,
            rotated_at: row.rotated_at,
            expires_at: row.expires_at,
            absolute_expires_at: row.absolute_expires_at,
            revoked: row.revoked,
        })
    })
    .transpose()
}

/// Makes `token_hash` the newest token of a locked login.
pub(super) async fn session_rotate(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    id: SessionId,
    token_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update sessions set previous_hash = token_hash, token_hash = $2, rotated_at = $3, expires_at = $4 where id = $1",
        id.uuid(),
        token_hash,
        now,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn session_revoke(tx: &mut IdentityTx, now: DateTime<Utc>, id: SessionId) -> Result<(), DbError> {
    sqlx::query!("update sessions set revoked_at = $2 where id = $1 and revoked_at is null", id.uuid(), now).execute(tx.conn()).await?;
    Ok(())
}

/// The present role of a login's member; `None` when the login or the membership has ended.
pub(super) async fn session_role(tx: &mut IdentityTx, now: DateTime<Utc>, id: SessionId) -> Result<Option<Role>, DbError> {
    let row = sqlx::query!(
        "select sessions.user_id, memberships.role
         from sessions
         join memberships on memberships.organization_id = sessions.organization_id and memberships.user_id = sessions.user_id
         where sessions.id = $1 and revoked_at is null and absolute_expires_at > $2",
        id.uuid(),
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| role(row.user_id, &row.role)).transpose()
}

fn role(user: uuid::Uuid, word: &str) -> Result<Role, DbError> {
    Role::parse(word).ok_or_else(|| DbError::BadRow { table: "memberships", id: user.to_string(), column: "role" })
}
