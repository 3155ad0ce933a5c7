//! `POST /api/auth/login`

use axum::extract::State;
use crm::identity::{Login, Password};
use kernel::EmailAddress;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    body::LoginBody,
    cookie::{self, SetCookie},
    origin::TrustedOrigin,
};
use crate::{
    extract::{Client, Json},
    layers::rate::Counted,
    problem::Problem,
    state::AppState,
};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// In any letter case.
    email: String,
    #[schema(format = Password)]
    password: String,
}

/// Signs in.
///
/// Wrong passwords and unknown addresses get the same answer.
#[utoipa::path(post, path = "/api/auth/login", tag = "identity", security(()), responses(
    (status = 200, description = "Signed in; the cookie `refreshToken` renews the login", body = LoginBody),
))]
pub(super) async fn handler(
    _: TrustedOrigin,
    Client(client): Client,
    State(state): State<AppState>,
    Json(credentials): Json<Credentials>,
) -> Result<(SetCookie, Json<LoginBody>), Problem> {
    state.limits.count(Counted::Login, client)?;
    let email = EmailAddress::parse(&credentials.email).ok();
    let now = state.clock.now();
    let login = state.identity.login(now, email, Password::claim(credentials.password)).await?;
    Ok(signed_in(&state, &login))
}

/// Signs in: another name of `POST /api/auth/login`.
#[utoipa::path(post, path = "/api/auth/callback/credentials", tag = "identity", security(()), responses(
    (status = 200, description = "Signed in; the cookie `refreshToken` renews the login", body = LoginBody),
))]
pub(super) async fn credentials(
    origin: TrustedOrigin,
    client: Client,
    state: State<AppState>,
    body: Json<Credentials>,
) -> Result<(SetCookie, Json<LoginBody>), Problem> {
    handler(origin, client, state, body).await
}

/// The answer to whoever has a fresh login.
pub(super) fn signed_in(state: &AppState, login: &Login) -> (SetCookie, Json<LoginBody>) {
    let access_token = state.identity.keys().sign(login.access, state.clock.now());
    (cookie::keep(&login.refresh, login.refresh_ttl, &state.config.auth), Json(LoginBody { access_token }))
}
