//! Whether they may: what a handler demands of whoever asks, in its signature.

use std::{marker::PhantomData, ops::Deref};

use axum::{extract::FromRequestParts, http::request::Parts};
use crm::identity::{Right, RoleName, Standing};
use kernel::{SessionId, UserId};

use super::tenant::{Principal, Tenant};
use crate::{problem::Problem, state::AppState};

/// A member or program with the right `R`: `Allowed<ContactsWrite>` in a handler's signature is the check itself.
/// Its operation says `("x-permission" = json!("contacts.write"))`.
#[derive(Clone, Debug)]
pub struct Allowed<R> {
    tenant: Tenant,
    right: PhantomData<fn() -> R>,
}

/// A person, not a program: for what belongs to an account. Its operation says `("x-principal" = json!("member"))`.
#[derive(Clone, Debug)]
pub struct Member {
    tenant: Tenant,
    session: SessionId,
    standing: Standing,
}

/// A person who proved within the last ten minutes who they are, by signing in or by `POST /api/auth/step-up`.
/// Its operation says `("x-step-up" = json!(true))`.
#[derive(Clone, Debug)]
pub struct SteppedUp(Member);

impl Member {
    /// The person.
    pub fn user(&self) -> UserId {
        self.standing.user
    }

    /// The login.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The present role.
    pub fn role(&self) -> &RoleName {
        &self.standing.role
    }

    /// How the login stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}

impl<R: Right> FromRequestParts<AppState> for Allowed<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let tenant = Tenant::from_request_parts(parts, state).await?;
        if tenant.rights().contains(R::PERMISSION) {
            Ok(Self { tenant, right: PhantomData })
        } else {
            let detail = format!("the right {} is needed", R::PERMISSION.as_str());
            Err(Problem::forbidden("right-missing", &detail))
        }
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let tenant = Tenant::from_request_parts(parts, state).await?;
        match tenant.principal() {
            Principal::Member { session, standing } => {
                let (session, standing) = (*session, standing.clone());
                Ok(Self { tenant, session, standing })
            }
            Principal::Key(_) => Err(Problem::forbidden("person-required", "an API key cannot do this; somebody has to sign in")),
        }
    }
}

impl FromRequestParts<AppState> for SteppedUp {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let member = Member::from_request_parts(parts, state).await?;
        let now = state.clock.now();
        // Another process may have taken the proof a moment ago, or the member's rights: what is done here outlives both.
        let standing = state.identity.standing_anew(now, member.session).await?;
        let standing = standing.ok_or_else(|| Problem::unauthorized("session-ended", "the login has ended"))?;
        if standing.is_stepped_up(now) {
            return Ok(Self(Member { standing, ..member }));
        }
        let detail = "who you are must have been proved within the last ten minutes: `POST /api/auth/step-up`";
        Err(Problem::forbidden("step-up-required", detail))
    }
}

impl<R> Deref for Allowed<R> {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.tenant
    }
}

impl Deref for Member {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.tenant
    }
}

impl Deref for SteppedUp {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}
