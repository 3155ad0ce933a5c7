//! The statements over logins.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{OrganizationId, SessionId, UserId};

use super::{EndReason, SessionView};
use crate::identity::{device::Device, model::Session};

/// Most logins of a list.
const LISTED: i64 = 100;

pub(super) async fn insert(tx: &mut IdentityTx, family_hash: &[u8], session: &Session, device: &Device) -> Result<(), DbError> {
    sqlx::query!(
        "insert into sessions
             (id, user_id, organization_id, family_hash, token_hash, rotated_at, expires_at, absolute_expires_at, authenticated_at, created_at,
              user_agent, address)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $6, $6, $9, $10::text::inet)",
        session.id.uuid(),
        session.user.uuid(),
        session.organization.uuid(),
        family_hash,
        session.token_hash,
        session.rotated_at,
        session.expires_at,
        session.absolute_expires_at,
        device.user_agent(),
        device.address.map(|address| address.to_string()),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The login of a family, locked: of two requests with the same token one comes after the other.
pub(super) async fn lock(tx: &mut IdentityTx, family_hash: &[u8]) -> Result<Option<Session>, DbError> {
    let row = sqlx::query!(
        r#"select sessions.id, sessions.user_id, sessions.organization_id, token_hash, previous_hash, rotated_at, expires_at,
                  absolute_expires_at,
                  revoked_at is not null or memberships.disabled_at is not null or organizations.deactivated_at is not null as "revoked!"
           from sessions
           join memberships on memberships.organization_id = sessions.organization_id and memberships.user_id = sessions.user_id
           join organizations on organizations.id = sessions.organization_id
           where family_hash = $1
           for update of sessions"#,
        family_hash,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Session {
        id: row.id.into(),
        user: row.user_id.into(),
        organization: row.organization_id.into(),
        token_hash: row.token_hash,
        previous_hash: row.previous_hash,
        rotated_at: row.rotated_at,
        expires_at: row.expires_at,
        absolute_expires_at: row.absolute_expires_at,
        revoked: row.revoked,
    }))
}

/// Makes `token_hash` the newest token of a locked login.
pub(super) async fn rotate(
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

/// Writes down that who the login's owner is was proved just now.
pub(in crate::identity) async fn prove(tx: &mut IdentityTx, now: DateTime<Utc>, id: SessionId) -> Result<(), DbError> {
    sqlx::query!("update sessions set authenticated_at = $2 where id = $1", id.uuid(), now).execute(tx.conn()).await?;
    Ok(())
}

/// Writes down that nothing proves any more who the owner of an account's other logins is.
pub(in crate::identity) async fn unprove_others(tx: &mut IdentityTx, user: UserId, but: SessionId) -> Result<(), DbError> {
    sqlx::query!(
        "with locked as (
             select id from sessions where user_id = $1 and id <> $2 and revoked_at is null order by id for update
         )
         update sessions
         set authenticated_at = 'epoch'
         from locked
         where sessions.id = locked.id",
        user.uuid(),
        but.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The account's logins in an organization that still stand, the newest first.
pub(super) async fn list(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<SessionView>, DbError> {
    let rows = sqlx::query!(
        r#"select id, user_agent, host(address) as address, created_at, rotated_at, least(expires_at, absolute_expires_at) as "expires_at!"
           from sessions
           where user_id = $1 and organization_id = $2 and revoked_at is null and expires_at > $3 and absolute_expires_at > $3
           order by created_at desc, id desc
           limit $4"#,
        user.uuid(),
        organization.uuid(),
        now,
        LISTED,
    )
    .fetch_all(tx.conn())
    .await?;
    let views = rows.into_iter().map(|row| SessionView {
        id: row.id.into(),
        user_agent: row.user_agent,
        address: row.address.and_then(|address| address.parse().ok()),
        created_at: row.created_at,
        refreshed_at: row.rotated_at,
        expires_at: row.expires_at,
    });
    Ok(views.collect())
}

pub(super) async fn end(tx: &mut IdentityTx, now: DateTime<Utc>, id: SessionId, reason: EndReason) -> Result<(), DbError> {
    sqlx::query!(
        "update sessions set revoked_at = $2, ended_reason = $3 where id = $1 and revoked_at is null",
        id.uuid(),
        now,
        reason.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a login if it is one of the account's in that organization, and still stands.
pub(super) async fn end_own(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
    id: SessionId,
) -> Result<bool, DbError> {
    let ended = sqlx::query!(
        "update sessions
         set revoked_at = $4, ended_reason = $5
         where id = $1 and user_id = $2 and organization_id = $3
           and revoked_at is null and expires_at > $4 and absolute_expires_at > $4",
        id.uuid(),
        user.uuid(),
        organization.uuid(),
        now,
        EndReason::Revoked.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends all logins of an account, in whichever organization; answers how many.
pub(in crate::identity) async fn end_all(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId, reason: EndReason) -> Result<u64, DbError> {
    end_but(tx, now, user, None, reason).await
}

/// Ends all logins of an account but one; answers how many.
pub(in crate::identity) async fn end_others(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    user: UserId,
    keep: SessionId,
    reason: EndReason,
) -> Result<u64, DbError> {
    end_but(tx, now, user, Some(keep), reason).await
}

async fn end_but(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    user: UserId,
    keep: Option<SessionId>,
    reason: EndReason,
) -> Result<u64, DbError> {
    let ended = sqlx::query!(
        "with locked as (
             select id from sessions where user_id = $1 and id is distinct from $2 and revoked_at is null order by id for update
         )
         update sessions
         set revoked_at = $3, ended_reason = $4
         from locked
         where sessions.id = locked.id",
        user.uuid(),
        keep.map(SessionId::uuid),
        now,
        reason.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(ended.rows_affected())
}

/// Deletes some logins that ended before `before`; answers how many.
pub(in crate::identity) async fn purge(tx: &mut IdentityTx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let deleted = sqlx::query!(
        "delete from sessions
         where id in (
             select id
             from sessions
             where least(expires_at, absolute_expires_at) < $1 or revoked_at < $1
             order by id
             limit $2
             for update skip locked
         )",
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}
