//! The installation's staff: accounts that see every organization as a client. A command makes and unmakes them, never a request.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{EmailAddress, OrganizationId, UserId};

use crate::audit::{self, Act, Actor};

/// What became of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaffChange {
    /// It is, or is no longer, one of the staff. Running processes know within [`super::STANDING_TTL`].
    Done,
    /// It was so already.
    Unchanged,
    /// Nobody has this address.
    NoSuchAccount,
}

/// Makes an account one of the staff.
pub async fn grant(tx: &mut IdentityTx, now: DateTime<Utc>, email: &EmailAddress) -> Result<StaffChange, DbError> {
    set(tx, now, email, true, Act::new(Actor::System("api grant-super-admin"), "users.grantSuperAdmin")).await
}

/// Makes an account one like any other.
pub async fn revoke(tx: &mut IdentityTx, now: DateTime<Utc>, email: &EmailAddress) -> Result<StaffChange, DbError> {
    set(tx, now, email, false, Act::new(Actor::System("api revoke-super-admin"), "users.revokeSuperAdmin")).await
}

/// Sets the mark, and records it in every organization to which the account belongs.
async fn set(tx: &mut IdentityTx, now: DateTime<Utc>, email: &EmailAddress, super_admin: bool, act: Act) -> Result<StaffChange, DbError> {
    let found = sqlx::query!("select id, super_admin from users where lower(email) = lower($1) for no key update", email.as_str())
        .fetch_optional(tx.conn())
        .await?;
    let Some(account) = found else { return Ok(StaffChange::NoSuchAccount) };
    if account.super_admin == super_admin {
        return Ok(StaffChange::Unchanged);
    }
    sqlx::query!("update users set super_admin = $2, updated_at = $3 where id = $1", account.id, super_admin, now)
        .execute(tx.conn())
        .await?;
    let organizations =
        sqlx::query_scalar!("select organization_id from memberships where user_id = $1 order by organization_id limit 1000", account.id)
            .fetch_all(tx.conn())
            .await?;
    for organization in organizations {
        let act = act.clone().on("users", UserId::from(account.id));
        audit::record(tx, OrganizationId::from(organization), now, act).await?;
    }
    Ok(StaffChange::Done)
}
