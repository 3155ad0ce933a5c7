//! Who asks, and whether they may.

use std::{marker::PhantomData, ops::Deref};

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use crm::identity::{Right, Role, TokenError};
use db::{DbError, TenantTx};
use kernel::{Clock, OrganizationId, SessionId, UserId};

use crate::{problem::Problem, state::AppState};

/// A signed-in member of an organization: any member will do.
#[derive(Clone, Debug)]
pub struct Tenant {
    organization: OrganizationId,
    user: UserId,
    session: SessionId,
    role: Role,
    state: AppState,
}

/// A signed-in member with the right `R`: `Allowed<ContactsWrite>` in a handler's signature is the check itself.
#[derive(Clone, Debug)]
pub struct Allowed<R> {
    tenant: Tenant,
    right: PhantomData<fn() -> R>,
}

impl Tenant {
    /// The member's organization.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The member.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The login.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The member's present role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Begins a transaction that sees the member's organization and nothing else.
    pub async fn begin(&self) -> Result<TenantTx, DbError> {
        self.state.db.tenant(self.organization).await
    }

    /// Tells the time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.state.clock
    }

    /// What handlers work with besides.
    pub fn state(&self) -> &AppState {
        &self.state
    }
}

impl FromRequestParts<AppState> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or_else(|| Problem::unauthorized("sign-in-required", "an access token is needed"))?;
        let now = state.clock.now();
        let access = state.identity.keys().verify(token, now).map_err(|error| match error {
            TokenError::Invalid => Problem::unauthorized("access-token-invalid", &error),
            TokenError::Expired => Problem::unauthorized("access-token-expired", &error),
        })?;
        let role = state
            .identity
            .standing(now, access.session)
            .await?
            .ok_or_else(|| Problem::unauthorized("session-ended", "the login has ended"))?;
        tracing::Span::current().record("organization.id", tracing::field::display(access.organization));
        Ok(Self { organization: access.organization, user: access.user, session: access.session, role, state: state.clone() })
    }
}

impl<R: Right> FromRequestParts<AppState> for Allowed<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let tenant = Tenant::from_request_parts(parts, state).await?;
        if tenant.role.has(R::PERMISSION) {
            Ok(Self { tenant, right: PhantomData })
        } else {
            let detail = format!("the right {} is needed", R::PERMISSION.as_str());
            Err(Problem::forbidden("right-missing", &detail))
        }
    }
}

impl<R> Deref for Allowed<R> {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.tenant
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
