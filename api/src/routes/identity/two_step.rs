//! `/api/auth/two-step`: codes of an app besides the password.

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use crm::identity::{Enrolment, IdentityError, TwoStepStatus};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    extract::{Json, Member, SteppedUp},
    problem::Problem,
    state::AppState,
};

/// What one's two-step login is like.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TwoStep)]
pub(super) struct TwoStepBody {
    enabled: bool,
    /// Since when.
    confirmed_at: Option<DateTime<Utc>>,
    /// Recovery codes that were not used yet.
    recovery_codes_left: i64,
}

/// What the app is told. Shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TwoStepEnrolment)]
pub(super) struct EnrolmentBody {
    /// In base32, to be typed.
    secret: String,
    /// The same as an `otpauth:` address, to be shown as a QR code.
    url: String,
}

/// Codes for when the app is lost, each good once. Shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecoveryCodesBody {
    recovery_codes: Vec<String>,
}

/// A first code of the app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    /// Six digits.
    code: String,
}

/// Tells whether two-step login is on.
#[utoipa::path(get, path = "/api/auth/two-step", tag = "identity", extensions(("x-principal" = json!("member"))), responses(
    (status = 200, description = "How it stands", body = TwoStepBody),
))]
pub(super) async fn show(member: Member, State(state): State<AppState>) -> Result<Json<TwoStepBody>, Problem> {
    let TwoStepStatus { confirmed_at, recovery_codes_left } = state.identity.two_step(member.user()).await?;
    Ok(Json(TwoStepBody { enabled: confirmed_at.is_some(), confirmed_at, recovery_codes_left }))
}

/// Begins a two-step login: answers the secret for the app. It is on once a first code has confirmed it.
#[utoipa::path(post, path = "/api/auth/two-step", tag = "identity",
    extensions(("x-principal" = json!("member")), ("x-step-up" = json!(true))), responses(
    (status = 200, description = "Begun", body = EnrolmentBody),
    (status = 409, description = "It is on already"),
))]
pub(super) async fn begin(member: SteppedUp, State(state): State<AppState>) -> Result<Json<EnrolmentBody>, Problem> {
    let Enrolment { secret, url } = state.identity.begin_two_step(state.clock.now(), member.user()).await?;
    Ok(Json(EnrolmentBody { secret: secret.expose_secret().to_owned(), url: url.expose_secret().to_owned() }))
}

/// Switches a begun two-step login on, by a first code of the app; answers the recovery codes. Other logins have to prove anew who asks.
#[utoipa::path(post, path = "/api/auth/two-step/confirm", tag = "identity",
    extensions(("x-principal" = json!("member")), ("x-step-up" = json!(true))), responses(
    (status = 200, description = "On", body = RecoveryCodesBody),
    (status = 400, description = "The code is wrong"),
    (status = 409, description = "It is on already, or was not begun"),
))]
pub(super) async fn confirm(
    member: SteppedUp,
    State(state): State<AppState>,
    Json(Confirm { code }): Json<Confirm>,
) -> Result<Json<RecoveryCodesBody>, Problem> {
    let who = (member.organization(), member.user());
    let codes = state.identity.confirm_two_step(state.clock.now(), who, member.session(), &code).await;
    let codes = codes.map_err(|error| match error {
        IdentityError::WrongCode => Problem::field("code", "wrong", &error),
        other => other.into(),
    })?;
    Ok(Json(codes.into()))
}

/// Replaces all recovery codes.
#[utoipa::path(post, path = "/api/auth/two-step/recovery-codes", tag = "identity",
    extensions(("x-principal" = json!("member")), ("x-step-up" = json!(true))), responses(
    (status = 200, description = "The new ones", body = RecoveryCodesBody),
    (status = 409, description = "Two-step login is off"),
))]
pub(super) async fn renew_recovery_codes(member: SteppedUp, State(state): State<AppState>) -> Result<Json<RecoveryCodesBody>, Problem> {
    let codes = state.identity.renew_recovery_codes(state.clock.now(), member.organization(), member.user()).await?;
    Ok(Json(codes.into()))
}

/// Switches two-step login off.
#[utoipa::path(delete, path = "/api/auth/two-step", tag = "identity",
    extensions(("x-principal" = json!("member")), ("x-step-up" = json!(true))), responses(
    (status = 204, description = "Off"),
    (status = 409, description = "It was not on"),
))]
pub(super) async fn disable(member: SteppedUp, State(state): State<AppState>) -> Result<StatusCode, Problem> {
    state.identity.disable_two_step(state.clock.now(), member.organization(), member.user()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Vec<SecretString>> for RecoveryCodesBody {
    fn from(codes: Vec<SecretString>) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose_secret().to_owned()).collect() }
    }
}
