//! Showing that one reads one's address.

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::origin::TrustedOrigin;
use crate::{
    extract::{Json, Member},
    problem::Problem,
    state::AppState,
};

/// The token of a mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyEmail {
    /// From the link.
    token: String,
}

/// Verifies an address by the link of a mail, which is good once, for a day.
#[utoipa::path(post, path = "/api/auth/verify-email", tag = "identity", security(()), responses(
    (status = 204, description = "Verified"),
    (status = 400, description = "The link is not valid any more"),
))]
pub(super) async fn handler(_: TrustedOrigin, State(state): State<AppState>, Json(body): Json<VerifyEmail>) -> Result<StatusCode, Problem> {
    state.identity.verify_email(state.clock.now(), &body.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has the mail with the link sent again, at most once a minute; the link before is void. Nothing happens when the address is verified.
#[utoipa::path(post, path = "/api/auth/resend-verification", tag = "identity", extensions(("x-principal" = json!("member"))), responses(
    (status = 202, description = "A mail is on its way, unless none is needed"),
))]
pub(super) async fn resend(member: Member, State(state): State<AppState>) -> Result<StatusCode, Problem> {
    state.identity.resend_verification(state.clock.now(), member.organization(), member.user()).await?;
    Ok(StatusCode::ACCEPTED)
}
