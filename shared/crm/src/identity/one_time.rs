//! Links in mails that are good once, for a while.
//!
//! The token of a link is derived from its row's id, so a mail that is sent a second time carries the same link and the database
//! never holds what would open it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, IdentityTx};
use kernel::{OneTimeTokenId, OrganizationId, UserId};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::derive;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To choose a new password without the old one.
    PasswordReset,
    /// To show that the address is read by whoever gave it.
    EmailVerification,
    /// To join an organization and choose a password.
    Invitation,
}

impl Purpose {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "passwordReset",
            Self::EmailVerification => "emailVerification",
            Self::Invitation => "invitation",
        }
    }

    /// For how long the link is good.
    pub const fn ttl(self) -> TimeDelta {
        match self {
            Self::PasswordReset => TimeDelta::minutes(30),
            Self::EmailVerification => TimeDelta::days(1),
            Self::Invitation => TimeDelta::days(7),
        }
    }
}

/// Makes and takes the tokens of links. Cheap to clone.
#[derive(Clone)]
pub struct OneTimeKeys([u8; 32]);

/// Whose link it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The link.
    pub id: OneTimeTokenId,
    /// The organization that it was made in.
    pub organization: OrganizationId,
    /// The account that it is for.
    pub user: UserId,
}

impl OneTimeKeys {
    /// Keys from `auth.jwt_secret`. A mail that waits while the first secret changes carries a link that is not accepted.
    pub fn new(jwt_secret: &SecretString) -> Self {
        Self(derive::key(jwt_secret, "one-time tokens"))
    }

    /// The token of a link: 256 bits in base64url, always the same for the same id and purpose.
    pub fn token(&self, id: OneTimeTokenId, purpose: Purpose) -> String {
        URL_SAFE_NO_PAD.encode(derive::mac(&self.0, &[purpose.as_str().as_bytes(), id.uuid().as_bytes()].concat()))
    }

    /// Makes a link for a member. Those of the same purpose that the account has in this organization are void from now on.
    pub async fn create(
        &self,
        tx: &mut IdentityTx,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
        purpose: Purpose,
    ) -> Result<OneTimeTokenId, DbError> {
        void(tx, now, organization, user, purpose).await?;
        let id = OneTimeTokenId::at(now);
        sqlx::query!(
            "insert into one_time_tokens (id, organization_id, user_id, purpose, token_hash, expires_at, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            id.uuid(),
            organization.uuid(),
            user.uuid(),
            purpose.as_str(),
            hash(&self.token(id, purpose)),
            now + purpose.ttl(),
            now,
        )
        .execute(tx.conn())
        .await?;
        Ok(id)
    }
}

impl std::fmt::Debug for OneTimeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTimeKeys(…)")
    }
}

/// Uses a link up: of two that come at once, one gets it. `None` when it was never made, was used, voided, or is too old.
pub async fn take(tx: &mut IdentityTx, now: DateTime<Utc>, purpose: Purpose, token: &str) -> Result<Option<Taken>, DbError> {
    let row = sqlx::query!(
        "update one_time_tokens
         set used_at = $3
         where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3
         returning id, organization_id, user_id",
        hash(token),
        purpose.as_str(),
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Taken { id: row.id.into(), organization: row.organization_id.into(), user: row.user_id.into() }))
}

/// Whose link it is, without using it up: for what must be checked before, like a new password.
pub async fn find(tx: &mut IdentityTx, now: DateTime<Utc>, purpose: Purpose, token: &str) -> Result<Option<Taken>, DbError> {
    let row = sqlx::query!(
        "select id, organization_id, user_id
         from one_time_tokens
         where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3",
        hash(token),
        purpose.as_str(),
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Taken { id: row.id.into(), organization: row.organization_id.into(), user: row.user_id.into() }))
}

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it is too old.
    pub expires_at: DateTime<Utc>,
    /// When it was used or voided.
    pub used_at: Option<DateTime<Utc>>,
}

impl Look {
    /// Whether it can still be used.
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}

/// How a link stands, for the mail that carries it. `None` when it is gone.
pub async fn look(tx: &mut IdentityTx, id: OneTimeTokenId) -> Result<Option<Look>, DbError> {
    let row = sqlx::query!("select created_at, expires_at, used_at from one_time_tokens where id = $1", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|row| Look { created_at: row.created_at, expires_at: row.expires_at, used_at: row.used_at }))
}

/// Makes the unused links of a purpose worthless.
pub async fn void(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
    purpose: Purpose,
) -> Result<(), DbError> {
    sqlx::query!(
        "update one_time_tokens
         set used_at = $4
         where organization_id = $1 and user_id = $2 and purpose = $3 and used_at is null",
        organization.uuid(),
        user.uuid(),
        purpose.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes the unused links of a purpose worthless, in whichever organization they were made.
pub(super) async fn void_everywhere(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId, purpose: Purpose) -> Result<(), DbError> {
    sqlx::query!(
        "update one_time_tokens set used_at = $3 where user_id = $1 and purpose = $2 and used_at is null",
        user.uuid(),
        purpose.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes some links that ended before `before`; answers how many.
pub(super) async fn purge(tx: &mut IdentityTx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let deleted = sqlx::query!(
        "delete from one_time_tokens
         where id in (select id from one_time_tokens where expires_at < $1 order by id limit $2 for update skip locked)",
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_900_000_000, 0).unwrap()
    }

    #[test]
    fn a_token_belongs_to_one_link_one_purpose_and_one_secret() {
        let keys = OneTimeKeys::new(&"a".into());
        let (id, other) = (OneTimeTokenId::at(now()), OneTimeTokenId::at(now()));
        let token = keys.token(id, Purpose::PasswordReset);
        assert_eq!(token.len(), 43);
        assert_eq!(token, keys.token(id, Purpose::PasswordReset));
        assert_ne!(token, keys.token(other, Purpose::PasswordReset));
        assert_ne!(token, keys.token(id, Purpose::Invitation));
        assert_ne!(token, OneTimeKeys::new(&"b".into()).token(id, Purpose::PasswordReset));
    }
}
