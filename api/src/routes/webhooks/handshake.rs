//! `GET /api/whatsapp/webhook`

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use utoipa::IntoParams;

use crate::{extract::Query, problem::Problem, state::AppState};

/// What the provider asks with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Question {
    /// `subscribe`
    #[serde(rename = "hub.mode")]
    mode: Option<String>,
    /// The verify token of the settings.
    #[serde(rename = "hub.verify_token")]
    verify_token: Option<String>,
    /// What is to be answered.
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

/// Shows the provider that this address is ours.
///
/// Answers the bare challenge to whoever knows the verify token.
#[utoipa::path(get, path = "/api/whatsapp/webhook", tag = "webhooks", security(()), params(Question), responses(
    (status = 200, description = "The challenge", body = String, content_type = "text/plain"),
    (status = 403, description = "Another token"),
))]
pub(super) async fn handler(State(state): State<AppState>, Query(question): Query<Question>) -> Result<Response, Problem> {
    answer(&state, question)
}

/// Shows the provider that this address is ours: the other name of `/api/whatsapp/webhook`.
#[utoipa::path(get, path = "/webhook/incoming", tag = "webhooks", security(()), params(Question), responses(
    (status = 200, description = "The challenge", body = String, content_type = "text/plain"),
    (status = 403, description = "Another token"),
))]
pub(super) async fn incoming(State(state): State<AppState>, Query(question): Query<Question>) -> Result<Response, Problem> {
    answer(&state, question)
}

fn answer(state: &AppState, question: Question) -> Result<Response, Problem> {
    let expected = state.config.whatsapp.verify_token.expose_secret();
    let given = question.verify_token.unwrap_or_default();
    let known = !expected.is_empty() && bool::from(given.as_bytes().ct_eq(expected.as_bytes()));
    match question.challenge {
        Some(challenge) if known && question.mode.as_deref() == Some("subscribe") => {
            Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response())
        }
        _ => Err(Problem::forbidden("webhook-verification-refused", "mode, token and challenge are not those of a verification")),
    }
}
