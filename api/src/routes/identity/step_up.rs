//! `POST /api/auth/step-up`

use axum::{extract::State, http::StatusCode};
use crm::identity::{IdentityError, Password, Proof};
use serde::Deserialize;
use utoipa::ToSchema;

use super::device::Asking;
use crate::{
    extract::{Client, Json, Member},
    layers::rate::Counted,
    problem::Problem,
    state::AppState,
};

/// What proves who somebody is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StepUp {
    /// Needed unless two-step login is on.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<String>,
    /// Needed when two-step login is on: six digits of the app, or a recovery code.
    code: Option<String>,
}

/// Proves once more who is signed in, so that operations with `x-step-up` can be called for ten minutes.
///
/// Failures count as failed sign-ins.
#[utoipa::path(post, path = "/api/auth/step-up", tag = "identity", extensions(("x-principal" = json!("member"))), responses(
    (status = 204, description = "Proved"),
    (status = 400, description = "Missing or wrong: `password`, `code`"),
    (status = 429, description = "Too many sign-ins have failed"),
))]
pub(super) async fn handler(
    member: Member,
    Client(client): Client,
    Asking(device): Asking,
    State(state): State<AppState>,
    Json(StepUp { password, code }): Json<StepUp>,
) -> Result<StatusCode, Problem> {
    state.limits.count(Counted::Login, client).await?;
    let proof = Proof { password: password.map(Password::claim), code };
    let who = (member.organization(), member.user());
    state.identity.step_up(state.clock.now(), who, member.session(), proof, &device).await.map_err(|error| match error {
        IdentityError::WrongCode => Problem::field("code", "wrong", &error),
        other => other.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}
