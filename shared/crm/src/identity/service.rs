//! Signing up, signing in, and keeping signed in.

use chrono::{DateTime, Utc};
use db::{Db, DbError, IdentityTx, TenantTx};
use kernel::{EmailAddress, OrganizationId, SessionId, UserId};

use super::{
    error::IdentityError,
    model::{Login, Registration, Session, SessionTimes, User, Verdict},
    password::{Password, Passwords},
    permissions::Role,
    standing::Standings,
    store,
    token::{Access, RefreshToken, TokenKeys},
};
use crate::organizations::{self, Organization};

/// The use cases of accounts and logins. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity {
    db: Db,
    keys: TokenKeys,
    times: SessionTimes,
    passwords: Passwords,
    standings: Standings,
}

impl Identity {
    /// The use cases over `db`, with tokens of `keys`.
    pub fn new(db: Db, keys: TokenKeys, times: SessionTimes) -> Self {
        Self { db, keys, times, passwords: Passwords::new(), standings: Standings::default() }
    }

    /// Signs and reads access tokens.
    pub fn keys(&self) -> &TokenKeys {
        &self.keys
    }

    /// Makes an account and its organization, in one transaction, and signs in.
    pub async fn register(&self, now: DateTime<Utc>, registration: Registration) -> Result<(Login, User, Organization), IdentityError> {
        // Before the transaction: no connection waits for a hash.
        let hash = self.passwords.hash(registration.password.clone()).await?;
        let mut tx = self.db.identity("register").await?;
        let organization = organizations::service::create(&mut tx, now, &registration.business_name).await?;
        let user = store::user_insert(&mut tx, now, &registration, &hash).await.map_err(|error| match error.constraint() {
            Some("users_email") => IdentityError::EmailTaken,
            _ => error.into(),
        })?;
        store::membership_insert(&mut tx, now, organization.id, user.id, Role::Admin).await?;
        let login = self.open_session(&mut tx, now, user.id, organization.id, Role::Admin).await?;
        tx.commit().await?;
        Ok((login, user, organization))
    }

    /// Signs in. An unknown address costs the same work as a known one and gets the same answer.
    pub async fn login(&self, now: DateTime<Utc>, email: Option<EmailAddress>, password: Password) -> Result<Login, IdentityError> {
        let email = email.as_ref().map_or("", EmailAddress::as_str);
        let mut tx = self.db.identity("sign in").await?;
        let account = store::credentials_find(&mut tx, email).await?;
        tx.commit().await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await?;
        let account = account.filter(|_| fits).ok_or(IdentityError::WrongCredentials)?;
        let mut tx = self.db.identity("sign in").await?;
        let login = self.open_session(&mut tx, now, account.user, account.organization, account.role).await?;
        tx.commit().await?;
        Ok(login)
    }

    /// Exchanges a refresh token for its successor.
    ///
    /// The token before the newest one gets the same answer again for ten seconds, because answers are lost and pages are open twice.
    /// Any other old token ends the login: somebody else has it too.
    pub async fn refresh(&self, now: DateTime<Utc>, token: &RefreshToken) -> Result<Login, IdentityError> {
        let mut tx = self.db.identity("refresh a login").await?;
        let session = store::session_lock(&mut tx, &token.family_hash()).await?.ok_or(IdentityError::SessionEnded)?;
        let successor = self.keys.successor(token);
        let expires_at = match session.judge(&token.hash(), &successor.hash(), now) {
            Verdict::Rotate => {
                let expires_at = session.expiry(self.times, now);
                store::session_rotate(&mut tx, now, session.id, &successor.hash(), expires_at).await?;
                expires_at
            }
            Verdict::Repeat => session.expires_at,
            Verdict::Reused => {
                store::session_revoke(&mut tx, now, session.id).await?;
                tx.commit().await?;
                self.standings.forget(session.id);
                tracing::warn!(session.id = %session.id, "a used refresh token came back: login {} is revoked", session.id);
                return Err(IdentityError::SessionEnded);
            }
            Verdict::Ended => return Err(IdentityError::SessionEnded),
        };
        tx.commit().await?;
        let access = Access { user: session.user, organization: session.organization, role: session.role, session: session.id };
        Ok(Login { access, refresh: successor, refresh_ttl: expires_at - now })
    }

    /// Ends the login of a refresh token, whichever token of the family it is. Unknown tokens change nothing.
    pub async fn logout(&self, now: DateTime<Utc>, token: &RefreshToken) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("sign out").await?;
        if let Some(session) = store::session_lock(&mut tx, &token.family_hash()).await? {
            store::session_revoke(&mut tx, now, session.id).await?;
            tx.commit().await?;
            self.standings.forget(session.id);
        }
        Ok(())
    }

    /// Ends a login by its id, as an access token names it.
    pub async fn end_session(&self, now: DateTime<Utc>, session: SessionId) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("sign out").await?;
        store::session_revoke(&mut tx, now, session).await?;
        tx.commit().await?;
        self.standings.forget(session);
        Ok(())
    }

    /// The present role of a login's member; `None` when the login has ended. At most [`super::STANDING_TTL`] old.
    pub async fn standing(&self, now: DateTime<Utc>, session: SessionId) -> Result<Option<Role>, IdentityError> {
        if let Some(known) = self.standings.known(session, now) {
            return Ok(known.role());
        }
        let read = async {
            let mut tx = self.db.identity("check a login").await?;
            let role = store::session_role(&mut tx, now, session).await?;
            tx.commit().await?;
            Ok::<_, DbError>(role)
        };
        let role = read.await.inspect_err(|_| self.standings.forget(session))?;
        self.standings.learn(session, now, role.into());
        Ok(role)
    }

    async fn open_session(
        &self,
        tx: &mut IdentityTx,
        now: DateTime<Utc>,
        user: UserId,
        organization: OrganizationId,
        role: Role,
    ) -> Result<Login, DbError> {
        let refresh = RefreshToken::random();
        let absolute_expires_at = now + self.times.absolute;
        let session = Session {
            id: SessionId::at(now),
            user,
            organization,
            role,
            token_hash: refresh.hash().to_vec(),
            previous_hash: None,
            rotated_at: now,
            expires_at: (now + self.times.idle).min(absolute_expires_at),
            absolute_expires_at,
            revoked: false,
        };
        store::session_insert(tx, now, &refresh.family_hash(), &session).await?;
        let access = Access { user, organization, role, session: session.id };
        Ok(Login { access, refresh, refresh_ttl: session.expires_at - now })
    }
}

/// An account of the same organization.
pub async fn user(tx: &mut TenantTx, id: UserId) -> Result<Option<User>, DbError> {
    store::user_find(tx, id).await
}
