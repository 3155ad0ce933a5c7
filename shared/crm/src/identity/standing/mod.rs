//! Who asks, and how they stand at this moment: a member by a login, or a program by an API key.

mod cache;
mod store;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use db::DbError;
use kernel::{ApiKeyId, OrganizationId, SessionId, UserId};
use uuid::Uuid;

pub(super) use cache::Standings;
pub(super) use store::{role_name, role_rights};

use super::{
    api_keys::PresentedKey,
    error::IdentityError,
    rights::{Rights, RoleName},
    service::Identity,
};

/// An ended login, a changed role, a revoked key take effect everywhere within this time; at once in the process that did it.
pub const STANDING_TTL: TimeDelta = TimeDelta::seconds(5);

/// For how long somebody who proved who they are may do what needs a fresh proof.
pub const STEP_UP_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// What the database knows of a key.
pub(super) type KeyHash = [u8; 32];

/// How often at most the last use of a key is written down.
const LAST_USE_STEP: TimeDelta = TimeDelta::minutes(1);

/// How a login stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who signed in.
    pub user: UserId,
    /// For which organization.
    pub organization: OrganizationId,
    /// The member's role.
    pub role: RoleName,
    /// What the member may do.
    pub rights: Rights,
    /// When they last proved who they are, by everything that signing in asks of them.
    pub authenticated_at: DateTime<Utc>,
}

impl Standing {
    /// Whether who they are was proved lately enough for what needs a fresh proof.
    pub fn is_stepped_up(&self, now: DateTime<Utc>) -> bool {
        now - self.authenticated_at < STEP_UP_WINDOW
    }
}

/// How an API key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStanding {
    /// The key.
    pub key: ApiKeyId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it may do.
    pub rights: Rights,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Identity {
    /// How a login stands; `None` when it has ended, the member is disabled, or the organization is deactivated.
    /// At most [`STANDING_TTL`] old.
    pub async fn standing(&self, now: DateTime<Utc>, session: SessionId) -> Result<Option<Standing>, IdentityError> {
        let look = match self.standings.known(&session, now) {
            Ok(standing) => return Ok(standing),
            Err(look) => look,
        };
        let mut tx = self.db.identity("check a login").await?;
        let standing = store::standing(&mut tx, now, session).await?;
        tx.commit().await?;
        self.standings.learn(session, look, standing.clone());
        Ok(standing)
    }

    /// How a login stands at this moment, whatever this process remembers of it.
    pub async fn standing_anew(&self, now: DateTime<Utc>, session: SessionId) -> Result<Option<Standing>, IdentityError> {
        self.standings.forget(&session);
        self.standing(now, session).await
    }

    /// How an API key stands; `None` when there is no such key, it has ended, or its organization is deactivated.
    /// At most [`STANDING_TTL`] old. Writes down that the key is in use.
    pub async fn api_key(&self, now: DateTime<Utc>, key: &PresentedKey) -> Result<Option<KeyStanding>, IdentityError> {
        let hash = key.hash();
        let look = match self.key_standings.known(&hash, now) {
            Ok(standing) => return Ok(Some(standing).filter(|standing| standing.expires_at.is_none_or(|end| now < end))),
            Err(look) => look,
        };
        let mut tx = self.db.identity("check an API key").await?;
        let found = store::key_standing(&mut tx, now, &hash).await?;
        if let Some((standing, last_used_at)) = &found
            && last_used_at.is_none_or(|last| now - last >= LAST_USE_STEP)
        {
            store::key_used(&mut tx, now, standing.organization, standing.key, now - LAST_USE_STEP).await?;
        }
        tx.commit().await?;
        let standing = found.map(|(standing, _)| standing);
        // What is no key is not remembered: who guesses shall not fill the memory.
        if let Some(standing) = &standing {
            self.key_standings.learn(hash, look, standing.clone());
        }
        Ok(standing)
    }

    /// The key, when this process has asked for it within [`STANDING_TTL`]; asks nobody.
    pub fn remembered_key(&self, now: DateTime<Utc>, key: &PresentedKey) -> Option<ApiKeyId> {
        let standing = self.key_standings.known(&key.hash(), now).ok()?;
        standing.expires_at.is_none_or(|end| now < end).then_some(standing.key)
    }

    /// Has this process ask anew how logins of a member stand, after a change that concerns them was committed.
    pub fn forget_member(&self, organization: OrganizationId, user: UserId) {
        self.standings
            .forget_all(|standing| standing.as_ref().is_none_or(|standing| standing.user == user && standing.organization == organization));
    }

    /// Has this process ask anew how logins of an account stand, in whichever organization.
    pub fn forget_user(&self, user: UserId) {
        self.standings.forget_all(|standing| standing.as_ref().is_none_or(|standing| standing.user == user));
    }

    /// Has this process ask anew how logins and keys of an organization stand, after a change that concerns them was committed.
    pub fn forget_organization(&self, organization: OrganizationId) {
        self.standings.forget_all(|standing| standing.as_ref().is_none_or(|standing| standing.organization == organization));
        self.key_standings.forget_all(|standing| standing.organization == organization);
    }

    /// Has this process ask anew how a key stands, after its revocation was committed.
    pub fn forget_key(&self, key: ApiKeyId) {
        self.key_standings.forget_all(|standing| standing.key == key);
    }
}

/// A row whose column holds what it cannot.
fn bad_row(table: &'static str, id: Uuid, column: &'static str) -> DbError {
    DbError::BadRow { table, id: id.to_string(), column }
}
