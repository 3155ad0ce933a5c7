//! `POST /api/whatsapp/webhook`

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
};
use providers::whatsapp::webhook::verify_signature;

use crate::{problem::Problem, state::AppState};

const SIGNATURE: &str = "x-hub-signature-256";

/// Takes an event of the provider.
///
/// Answers once it is stored; what it says is applied right after. Anything but 200 makes the provider send it again.
#[utoipa::path(post, path = "/api/whatsapp/webhook", tag = "webhooks", security(()),
    params(("X-Hub-Signature-256" = String, Header, description = "`sha256=` and the HMAC-SHA256 of the body with the app's secret, in hexadecimal")),
    request_body(content = String, content_type = "application/json", description = "The event, as the provider describes it"), responses(
    (status = 200, description = "Stored"),
    (status = 401, description = "The signature is missing or wrong"),
    (status = 413, description = "Larger than anything the provider sends"),
    (status = 503, description = "Not stored: to be sent again"),
))]
pub(super) async fn handler(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    receive(&state, &headers, body).await
}

/// Takes an event of the provider: the other name of `/api/whatsapp/webhook`.
#[utoipa::path(post, path = "/webhook/incoming", tag = "webhooks", security(()),
    params(("X-Hub-Signature-256" = String, Header, description = "`sha256=` and the HMAC-SHA256 of the body with the app's secret, in hexadecimal")),
    request_body(content = String, content_type = "application/json", description = "The event, as the provider describes it"), responses(
    (status = 200, description = "Stored"),
    (status = 401, description = "The signature is missing or wrong"),
    (status = 413, description = "Larger than anything the provider sends"),
    (status = 503, description = "Not stored: to be sent again"),
))]
pub(super) async fn incoming(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    receive(&state, &headers, body).await
}

async fn receive(state: &AppState, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<StatusCode, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "the body is larger than 4 MiB"),
        _ => Problem::invalid("malformed-body", "the body could not be read to its end"),
    })?;
    let app = verify_signature(&state.app_secrets, &body, the_one(headers)).ok_or_else(|| {
        metrics::counter!("webhook_signatures_refused_total").increment(1);
        Problem::new(StatusCode::UNAUTHORIZED, "webhook-signature-invalid", "the body is not signed by the app, or not as it was sent")
    })?;
    state.intake.store(i16::try_from(app).unwrap_or(i16::MAX), body).await?;
    Ok(StatusCode::OK)
}

/// The signature, if there is exactly one.
fn the_one(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}
