//! Who asks: a member with an access token, or a program with an API key.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, header, request::Parts},
};
use crm::{
    audit::{self, Act, Actor, Target},
    identity::{KeyStanding, Rights, Standing, TokenError, api_keys::PresentedKey, members::Authority},
};
use db::{DbError, TenantTx, Tx};
use kernel::{Clock, OrganizationId, SessionId, UserId};

use crate::{problem::Problem, state::AppState};

/// The header that holds an API key.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Whoever is signed in to an organization, person or program: any will do.
#[derive(Clone, Debug)]
pub struct Tenant {
    principal: Principal,
    state: AppState,
}

/// Who is signed in, and how.
#[derive(Clone, Debug)]
pub(super) enum Principal {
    Member { session: SessionId, standing: Standing },
    Key(KeyStanding),
}

impl Tenant {
    /// The organization.
    pub fn organization(&self) -> OrganizationId {
        match &self.principal {
            Principal::Member { standing, .. } => standing.organization,
            Principal::Key(key) => key.organization,
        }
    }

    /// The person; none when it is a program.
    pub fn user(&self) -> Option<UserId> {
        match &self.principal {
            Principal::Member { standing, .. } => Some(standing.user),
            Principal::Key(_) => None,
        }
    }

    /// What they may do.
    pub fn rights(&self) -> Rights {
        match &self.principal {
            Principal::Member { standing, .. } => standing.rights,
            Principal::Key(key) => key.rights,
        }
    }

    /// Who acts, as the audit log has it.
    pub fn actor(&self) -> Actor {
        match &self.principal {
            Principal::Member { standing, .. } => Actor::User(standing.user),
            Principal::Key(key) => Actor::ApiKey(key.key),
        }
    }

    /// On whose authority they change members and what those may do.
    pub fn authority(&self) -> Authority {
        Authority { organization: self.organization(), user: self.user(), rights: self.rights() }
    }

    /// Begins a transaction that sees the organization and nothing else.
    pub async fn begin(&self) -> Result<TenantTx, DbError> {
        self.state.db.tenant(self.organization()).await
    }

    /// Records in the transaction of an act that they did it; the last thing before its commit.
    ///
    /// `action` is `table.verb`; `details` are ids, enumerations and counts, never personal data.
    pub async fn record(
        &self,
        tx: &mut impl Tx,
        action: &'static str,
        target: Option<Target>,
        details: serde_json::Value,
    ) -> Result<(), DbError> {
        let act = Act { actor: self.actor(), action, target, details };
        audit::record(tx, self.organization(), self.state.clock.now(), act).await
    }

    /// Tells the time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.state.clock
    }

    /// What handlers work with besides.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl FromRequestParts<AppState> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        // Several extractors of one handler ask: they shall see the same standing.
        if let Some(tenant) = parts.extensions.get::<Self>() {
            return Ok(tenant.clone());
        }
        let principal = match (parts.headers.get(API_KEY), parts.headers.contains_key(header::AUTHORIZATION)) {
            (None, _) => member(parts, state).await?,
            (Some(key), false) => program(key.to_str().unwrap_or_default(), state).await?,
            (Some(_), true) => {
                return Err(Problem::unauthorized("credentials-ambiguous", "either an access token or an API key, not both"));
            }
        };
        let tenant = Self { principal, state: state.clone() };
        tracing::Span::current().record("organization.id", tracing::field::display(tenant.organization()));
        parts.extensions.insert(tenant.clone());
        Ok(tenant)
    }
}

async fn member(parts: &Parts, state: &AppState) -> Result<Principal, Problem> {
    let token = bearer(parts).ok_or_else(|| Problem::unauthorized("sign-in-required", "an access token or an API key is needed"))?;
    let now = state.clock.now();
    let access = state.identity.keys().verify(token, now).map_err(|error| match error {
        TokenError::Invalid => Problem::unauthorized("access-token-invalid", &error),
        TokenError::Expired => Problem::unauthorized("access-token-expired", &error),
    })?;
    let standing = state.identity.standing(now, access.session).await?;
    // The row of the login decides for whom and where; a token that says otherwise is none of ours.
    let standing = standing.filter(|standing| standing.user == access.user && standing.organization == access.organization);
    let standing = standing.ok_or_else(|| Problem::unauthorized("session-ended", "the login has ended"))?;
    Ok(Principal::Member { session: access.session, standing })
}

async fn program(key: &str, state: &AppState) -> Result<Principal, Problem> {
    let standing = match PresentedKey::parse(key) {
        Some(key) => state.identity.api_key(state.clock.now(), &key).await?,
        None => None,
    };
    standing.map(Principal::Key).ok_or_else(|| Problem::unauthorized("api-key-invalid", "the API key is unknown or has ended"))
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
