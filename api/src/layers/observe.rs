//! One span, one log line and two metrics for each request; a panic becomes a problem document.
//!
//! Neither query strings nor bodies are recorded, and of the path only the route: they may name people.

use std::{any::Any, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use super::request_id;
use crate::problem::Problem;

/// Gives the request its name and its span, and tells how it ended.
pub async fn observe(request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        request.id = %id,
        http.method = %method,
        http.route = %route,
        organization.id = tracing::field::Empty,
    );
    let started = Instant::now();
    let mut response = request_id::scope(id.clone(), next.run(request).instrument(span.clone())).await;
    let elapsed = started.elapsed();
    let status = response.status();
    if let Ok(value) = HeaderValue::try_from(&id) {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    let labels = [("method", method.to_string()), ("route", route.clone()), ("status", status.as_str().to_owned())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(elapsed.as_secs_f64());
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        tracing::info!(
            request.id = %id,
            http.method = %method,
            http.route = %route,
            http.status = status.as_u16(),
            duration_ms,
            "{method} {route}: {} in {duration_ms} ms",
            status.as_u16(),
        );
    });
    response
}

/// The answer to a request whose handler panicked. The log gets the message, the client does not.
#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer asks for")]
pub fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let message = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    tracing::error!(panic = message.unwrap_or("of another type than text"), "request failed: a handler panicked");
    let detail = "the service failed; the request id names the failure in its logs";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
}
