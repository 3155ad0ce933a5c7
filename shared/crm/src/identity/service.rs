//! What identity works with, and signing up.

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError, IdentityTx, TenantTx};
use kernel::{EmailAddress, OrganizationId, SessionId, UserId};
use secrecy::SecretString;

use super::{
    OneTimeKeys,
    device::Device,
    error::IdentityError,
    guard::Guard,
    model::{Login, Registration, SessionTimes, User},
    password::Passwords,
    password_rules::OwnWords,
    rights::Role,
    standing::{KeyHash, KeyStanding, Standing, Standings},
    store,
    token::TokenKeys,
};
use crate::{
    audit::{self, Act, Actor},
    organizations::{self, Organization},
    secrets::Vault,
};

/// The use cases of accounts and logins. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) db: Db,
    pub(super) vault: Vault,
    pub(super) keys: TokenKeys,
    pub(super) one_time: OneTimeKeys,
    pub(super) guard: Guard,
    pub(super) times: SessionTimes,
    pub(super) passwords: Passwords,
    pub(super) standings: Standings<SessionId, Option<Standing>>,
    pub(super) key_standings: Standings<KeyHash, KeyStanding>,
    pub(super) terms_version: String,
}

/// What identity is set up with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// One or more secrets, separated by commas: the first signs, all of them verify.
    pub jwt_secret: SecretString,
    /// Life of an access token.
    pub access_ttl: TimeDelta,
    /// Life of logins.
    pub times: SessionTimes,
    /// The terms that somebody agrees to who signs up now.
    pub terms_version: String,
}

impl Identity {
    /// The use cases over `db`; `vault` seals the secrets of two-step logins.
    pub fn new(db: Db, vault: Vault, settings: &Settings) -> Self {
        Self {
            db,
            vault,
            keys: TokenKeys::new(&settings.jwt_secret, settings.access_ttl),
            one_time: OneTimeKeys::new(&settings.jwt_secret),
            guard: Guard::new(&settings.jwt_secret),
            times: settings.times,
            passwords: Passwords::new(),
            standings: Standings::default(),
            key_standings: Standings::default(),
            terms_version: settings.terms_version.clone(),
        }
    }

    /// Signs and reads access tokens.
    pub fn keys(&self) -> &TokenKeys {
        &self.keys
    }

    /// Makes and takes the tokens of links in mails.
    pub fn one_time(&self) -> &OneTimeKeys {
        &self.one_time
    }

    /// Hashes and verifies passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Makes an account and its organization, in one transaction, and signs in. A mail asks to verify the address.
    pub async fn register(
        &self,
        now: DateTime<Utc>,
        registration: Registration,
        device: &Device,
    ) -> Result<(Login, User, Organization), IdentityError> {
        // Before the transaction: no connection waits for a hash.
        let hash = self.passwords.hash(registration.password.clone()).await?;
        let mut tx = self.db.identity("register").await?;
        let organization = organizations::service::create(&mut tx, now, &registration.business_name).await?;
        let user = store::user_insert(&mut tx, now, &registration, &hash, &self.terms_version).await;
        let user = user.map_err(|error| match error.constraint() {
            Some("users_email") => IdentityError::EmailTaken,
            _ => error.into(),
        })?;
        store::membership_insert(&mut tx, now, organization.id, user.id, Role::Admin).await?;
        let login = self.open_session(&mut tx, now, user.id, organization.id, device).await?;
        self.queue_verification(&mut tx, now, organization.id, user.id, &registration.email).await?;
        audit::record(&mut tx, organization.id, now, Act::new(Actor::User(user.id), "organizations.register").on("users", user.id)).await?;
        tx.commit().await?;
        Ok((login, user, organization))
    }
}

/// An account of the same organization.
pub async fn user(tx: &mut TenantTx, id: UserId) -> Result<Option<User>, DbError> {
    store::user_find(tx, id).await
}

/// The words that a member's password must not contain.
pub async fn own_words(tx: &mut IdentityTx, organization: OrganizationId, user: UserId) -> Result<OwnWords, DbError> {
    let words = store::own_words(tx, organization, user).await?;
    Ok(OwnWords::of(words.iter().map(String::as_str)))
}

/// Where mails to an account go.
pub(super) async fn address(tx: &mut IdentityTx, user: UserId) -> Result<Option<EmailAddress>, DbError> {
    let email = store::email_find(tx, user).await?;
    Ok(email.and_then(|email| EmailAddress::parse(&email).ok()))
}
