//! `POST /api/auth/accept-invitation`

use axum::extract::State;
use crm::{
    fields::FieldErrors,
    identity::{IdentityError, Login},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{body::LoginBody, cookie::SetCookie, device::Asking, login::signed_in, origin::TrustedOrigin};
use crate::{
    extract::{Client, Json},
    layers::rate::Counted,
    problem::Problem,
    state::AppState,
};

/// Somebody who was invited joins.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Acceptance {
    /// From the link.
    token: String,
    /// 10 to 128 characters; not a common one, and not made of one's own names.
    #[schema(format = Password)]
    password: String,
    /// The same again.
    #[schema(format = Password)]
    confirm_password: Option<String>,
    /// Must be true.
    agree_to_terms: bool,
}

/// Joins an organization by the link of an invitation, and signs in. The link is good once, for seven days; a newer one voids it.
#[utoipa::path(post, path = "/api/auth/accept-invitation", tag = "identity", security(()), responses(
    (status = 200, description = "Joined and signed in; the cookie `refreshToken` renews the login", body = LoginBody),
    (status = 400, description = "The link is not valid any more, or the input breaks a rule"),
))]
pub(super) async fn handler(
    _: TrustedOrigin,
    Client(client): Client,
    Asking(device): Asking,
    State(state): State<AppState>,
    Json(body): Json<Acceptance>,
) -> Result<(SetCookie, Json<LoginBody>), Problem> {
    state.limits.count(Counted::PasswordReset, client).await?;
    body.check()?;
    let accepted = state.identity.accept_invitation(state.clock.now(), &body.token, body.password, &device).await;
    let login: Login = accepted.map_err(|error| match error {
        IdentityError::Password(rule) => Problem::field("password", rule.code(), &rule),
        other => other.into(),
    })?;
    Ok(signed_in(&state, &login))
}

impl Acceptance {
    fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if !self.agree_to_terms {
            errors.add("agreeToTerms", "required", "the terms must be agreed to");
        }
        if self.confirm_password.as_ref().is_some_and(|confirmation| *confirmation != self.password) {
            errors.add("confirmPassword", "different", "not the same as the password");
        }
        errors.into_result()
    }
}
