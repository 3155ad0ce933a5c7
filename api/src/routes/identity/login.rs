//! `POST /api/auth/login`

use axum::extract::State;
use crm::identity::{self, Login, Password};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    body::LoginBody,
    cookie::{self, SetCookie},
    device::Asking,
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
    /// In any letter case; or the user name.
    email: String,
    #[schema(format = Password)]
    password: String,
    /// A code of the two-step login: six digits of the app, or a recovery code.
    code: Option<String>,
}

/// Signs in.
///
/// Unknown addresses, wrong passwords and members who may not sign in get the same answer. Where two-step login is on, a right password
/// without `code` is answered by `two-step-required`. After five failures from one network each further try has to wait, up to a minute.
#[utoipa::path(post, path = "/api/auth/login", tag = "identity", security(()), responses(
    (status = 200, description = "Signed in; the cookie `refreshToken` renews the login", body = LoginBody),
    (status = 401, description = "Wrong, or a code is needed"),
    (status = 429, description = "Too many sign-ins have failed"),
))]
pub(super) async fn handler(
    _: TrustedOrigin,
    Client(client): Client,
    Asking(device): Asking,
    State(state): State<AppState>,
    Json(Credentials { email, password, code }): Json<Credentials>,
) -> Result<(SetCookie, Json<LoginBody>), Problem> {
    state.limits.count(Counted::Login, client).await?;
    let credentials = identity::Credentials { name: email, password: Password::claim(password), code };
    let login = state.identity.login(state.clock.now(), credentials, &device).await?;
    Ok(signed_in(&state, &login))
}

/// Signs in: another name of `POST /api/auth/login`.
#[utoipa::path(post, path = "/api/auth/callback/credentials", tag = "identity", security(()), responses(
    (status = 200, description = "Signed in; the cookie `refreshToken` renews the login", body = LoginBody),
    (status = 401, description = "Wrong, or a code is needed"),
    (status = 429, description = "Too many sign-ins have failed"),
))]
pub(super) async fn credentials(
    origin: TrustedOrigin,
    client: Client,
    device: Asking,
    state: State<AppState>,
    body: Json<Credentials>,
) -> Result<(SetCookie, Json<LoginBody>), Problem> {
    handler(origin, client, device, state, body).await
}

/// The answer to whoever has a fresh login.
pub(super) fn signed_in(state: &AppState, login: &Login) -> (SetCookie, Json<LoginBody>) {
    let access_token = state.identity.keys().sign(login.access, state.clock.now());
    (cookie::keep(&login.refresh, login.refresh_ttl, &state.config.auth), Json(LoginBody { access_token }))
}
