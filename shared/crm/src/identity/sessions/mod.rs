//! Logins: opened, renewed, listed and ended.

mod store;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{OrganizationId, SessionId, UserId};
use serde_json::json;

use super::{
    device::Device,
    error::IdentityError,
    model::{Login, Session, Verdict},
    service::{self, Identity},
    token::{Access, RefreshToken},
};
use crate::{
    audit::{self, Act, Actor},
    mail::{self, MailKind, NewMail},
};

pub(super) use store::{end_all, end_others, prove, purge, unprove_others};

/// A login, as its owner sees it.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Names it.
    pub id: SessionId,
    /// What the program called itself when it signed in.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    pub address: Option<IpAddr>,
    /// When it signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last renewed.
    pub refreshed_at: DateTime<Utc>,
    /// When it ends unless it is renewed.
    pub expires_at: DateTime<Utc>,
}

/// Why a login ended, as the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndReason {
    SignedOut,
    Reused,
    Revoked,
    PasswordChanged,
    TwoStepTaken,
}

impl EndReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signedOut",
            Self::Reused => "reused",
            Self::Revoked => "revoked",
            Self::PasswordChanged => "passwordChanged",
            Self::TwoStepTaken => "twoStepTaken",
        }
    }
}

impl Identity {
    /// Exchanges a refresh token for its successor.
    ///
    /// The token before the newest one gets the same answer again for ten seconds, because answers are lost and pages are open twice.
    /// Any other old token ends the login, and its owner gets a mail: somebody else has it too.
    pub async fn refresh(&self, now: DateTime<Utc>, token: &RefreshToken) -> Result<Login, IdentityError> {
        let mut tx = self.db.identity("refresh a login").await?;
        let session = store::lock(&mut tx, &token.family_hash()).await?.ok_or(IdentityError::SessionEnded)?;
        let successor = self.keys.successor(token);
        let expires_at = match session.judge(&token.hash(), &successor.hash(), now) {
            Verdict::Rotate => {
                let expires_at = session.expiry(self.times, now);
                store::rotate(&mut tx, now, session.id, &successor.hash(), expires_at).await?;
                expires_at
            }
            Verdict::Repeat => session.expires_at,
            Verdict::Reused => {
                self.reused(tx, now, &session).await?;
                return Err(IdentityError::SessionEnded);
            }
            Verdict::Ended => return Err(IdentityError::SessionEnded),
        };
        tx.commit().await?;
        let access = Access { user: session.user, organization: session.organization, session: session.id };
        Ok(Login { access, refresh: successor, refresh_ttl: expires_at - now })
    }

    async fn reused(&self, mut tx: IdentityTx, now: DateTime<Utc>, session: &Session) -> Result<(), IdentityError> {
        store::end(&mut tx, now, session.id, EndReason::Reused).await?;
        if let Some(email) = service::address(&mut tx, session.user).await? {
            let (to, variables) = (&email, json!({}));
            let mail = NewMail { kind: MailKind::LoginReused, to, user: Some(session.user), token: None, variables };
            mail::queue(&mut tx, session.organization, now, mail).await?;
        }
        let act = Act::new(Actor::Nobody, "logins.reuse").on("logins", session.id).with(json!({ "userId": session.user }));
        audit::record(&mut tx, session.organization, now, act).await?;
        tx.commit().await?;
        self.standings.forget(&session.id);
        metrics::counter!("logins_reused_total").increment(1);
        tracing::warn!(session.id = %session.id, user.id = %session.user, "a used refresh token came back: login {} is revoked", session.id);
        Ok(())
    }

    /// Ends the login of a refresh token, whichever token of the family it is. Unknown tokens change nothing.
    pub async fn logout(&self, now: DateTime<Utc>, token: &RefreshToken) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("sign out").await?;
        if let Some(session) = store::lock(&mut tx, &token.family_hash()).await? {
            store::end(&mut tx, now, session.id, EndReason::SignedOut).await?;
            tx.commit().await?;
            self.standings.forget(&session.id);
        }
        Ok(())
    }

    /// Ends a login by its id, as an access token names it.
    pub async fn end_session(&self, now: DateTime<Utc>, session: SessionId) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("sign out").await?;
        store::end(&mut tx, now, session, EndReason::SignedOut).await?;
        tx.commit().await?;
        self.standings.forget(&session);
        Ok(())
    }

    /// The account's logins in an organization that still stand, the newest first; at most 100.
    pub async fn sessions(
        &self,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Vec<SessionView>, IdentityError> {
        let mut tx = self.db.identity("list logins").await?;
        let sessions = store::list(&mut tx, now, organization, user).await?;
        tx.commit().await?;
        Ok(sessions)
    }

    /// Ends one of the account's own logins.
    pub async fn revoke_session(
        &self,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
        session: SessionId,
    ) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("revoke a login").await?;
        if !store::end_own(&mut tx, now, organization, user, session).await? {
            return Err(IdentityError::SessionNotFound);
        }
        audit::record(&mut tx, organization, now, Act::new(Actor::User(user), "logins.revoke").on("logins", session)).await?;
        tx.commit().await?;
        self.standings.forget(&session);
        Ok(())
    }

    /// Ends all logins of the account but one.
    pub async fn revoke_other_sessions(
        &self,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
        keep: SessionId,
    ) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("revoke logins").await?;
        let ended = end_others(&mut tx, now, user, keep, EndReason::Revoked).await?;
        let act = Act::new(Actor::User(user), "logins.revokeOthers").on("users", user).with(json!({ "ended": ended }));
        audit::record(&mut tx, organization, now, act).await?;
        tx.commit().await?;
        self.forget_user(user);
        Ok(())
    }

    /// Opens a login for somebody whose identity was proved just now.
    pub(super) async fn open_session(
        &self,
        tx: &mut IdentityTx,
        now: DateTime<Utc>,
        user: UserId,
        organization: OrganizationId,
        device: &Device,
    ) -> Result<Login, DbError> {
        let refresh = RefreshToken::random();
        let absolute_expires_at = now + self.times.absolute;
        let session = Session {
            id: SessionId::at(now),
            user,
            organization,
            token_hash: refresh.hash().to_vec(),
            previous_hash: None,
            rotated_at: now,
            expires_at: (now + self.times.idle).min(absolute_expires_at),
            absolute_expires_at,
            revoked: false,
        };
        store::insert(tx, &refresh.family_hash(), &session, device).await?;
        let access = Access { user, organization, session: session.id };
        Ok(Login { access, refresh, refresh_ttl: session.expires_at - now })
    }
}
