//! `POST /api/auth/refresh`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use crm::identity::IdentityError;

use super::{
    body::LoginBody,
    cookie::{self, RefreshCookie, SetCookie},
    login::signed_in,
    origin::TrustedOrigin,
};
use crate::{extract::Json, problem::Problem, state::AppState};

/// Renews a login: a fresh access token, and the next refresh token in the cookie.
///
/// A refresh token is good once. One that is used again ends the login, because somebody else has it too; only the last one is answered
/// again within ten seconds, with the same successor, for answers that were lost and pages that are open twice.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "identity", security(()), responses(
    (status = 200, description = "Renewed", body = LoginBody),
))]
pub(super) async fn handler(
    _: TrustedOrigin,
    RefreshCookie(token): RefreshCookie,
    State(state): State<AppState>,
) -> Result<(SetCookie, Json<LoginBody>), Response> {
    let token = token.ok_or_else(|| Problem::unauthorized("refresh-token-missing", "the refresh cookie is needed").into_response())?;
    match state.identity.refresh(state.clock.now(), &token).await {
        Ok(login) => Ok(signed_in(&state, &login)),
        // The cookie will never be good again.
        Err(error @ IdentityError::SessionEnded) => Err((cookie::forget(&state.config.auth), Problem::from(error)).into_response()),
        Err(error) => Err(Problem::from(error).into_response()),
    }
}
