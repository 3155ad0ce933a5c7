//! `POST /api/auth/logout`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    cookie::{self, RefreshCookie, SetCookie},
    origin::TrustedOrigin,
};
use crate::{
    extract::{Json, Member},
    problem::Problem,
    state::AppState,
};

/// The login has ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoggedOutBody {
    logged_out: bool,
}

/// Ends the login of the refresh cookie and of the access token, whichever came; the browser forgets the cookie.
///
/// Refresh tokens are worthless at once, access tokens within five seconds. Without either, nothing happens.
#[utoipa::path(post, path = "/api/auth/logout", tag = "identity", security(()), responses(
    (status = 200, description = "Signed out", body = LoggedOutBody),
))]
pub(super) async fn handler(
    _: TrustedOrigin,
    RefreshCookie(token): RefreshCookie,
    member: Result<Member, Problem>,
    State(state): State<AppState>,
) -> Result<(SetCookie, Json<LoggedOutBody>), Problem> {
    let now = state.clock.now();
    if let Some(token) = &token {
        state.identity.logout(now, token).await?;
    }
    match member {
        Ok(member) => state.identity.end_session(now, member.session()).await?,
        // Nobody is told to be signed out who may not be.
        Err(problem) if problem.status().is_server_error() => return Err(problem),
        Err(_) => {}
    }
    Ok((cookie::forget(&state.config.auth), Json(LoggedOutBody { logged_out: true })))
}
