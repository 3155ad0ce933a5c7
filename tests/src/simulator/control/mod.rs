//! `/_simulator/…`: looking into the simulator and setting it up.

mod templates;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Query, State},
    http::{Response, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    error::json_response,
    inbound::{self, Inbound},
    provider::Provider,
};

/// The routes.
pub(crate) fn router() -> Router<Arc<Provider>> {
    Router::new()
        .route("/_simulator/messages", get(messages))
        .route("/_simulator/stats", get(stats))
        .route("/_simulator/faults", get(show_faults).post(set_faults))
        .route("/_simulator/inbound", post(write_inbound))
        .route("/_simulator/templates", get(templates::list))
        .route("/_simulator/templates/{id}/review", post(templates::review))
}

type Answer = Result<Response<Body>, Refusal>;

/// A request that was not understood.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        json_response(self.0, json!({ "error": self.1 }).to_string())
    }
}

fn refuse(status: StatusCode, detail: impl std::fmt::Display) -> Refusal {
    Refusal(status, detail.to_string())
}

/// Most lines in a page.
const LIMIT: usize = 1_000;

#[derive(Debug, Deserialize)]
struct PageQuery {
    after: Option<String>,
    limit: Option<usize>,
}

/// Executed sends, oldest first. `lastCursor` is the place after the last one even when nothing follows yet.
async fn messages(State(provider): State<Arc<Provider>>, Query(query): Query<PageQuery>) -> Answer {
    let bad_cursor = || refuse(StatusCode::BAD_REQUEST, "`after` is not a cursor of this ledger");
    let after = match query.after.as_deref() {
        None | Some("") => 0,
        Some(cursor) => cursor.parse().map_err(|_| bad_cursor())?,
    };
    let limit = query.limit.unwrap_or(LIMIT).clamp(1, LIMIT);
    let page = provider.ledger.page(after, limit).map_err(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    let page = page.ok_or_else(bad_cursor)?;
    let mut body = Vec::with_capacity(page.lines.len() + 80);
    body.extend_from_slice(b"{\"data\":[");
    body.extend_from_slice(&page.lines);
    let next = if page.more { format!("\"{}\"", page.end) } else { "null".to_owned() };
    body.extend_from_slice(format!("],\"nextCursor\":{next},\"lastCursor\":\"{}\"}}", page.end).as_bytes());
    Ok(json_response(StatusCode::OK, body))
}

async fn stats(State(provider): State<Arc<Provider>>) -> Json<super::Stats> {
    Json(provider.stats())
}

async fn show_faults(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(provider.faults().describe())
}

async fn set_faults(State(provider): State<Arc<Provider>>, body: Bytes) -> Answer {
    let patch = read(&body)?;
    let faults = provider.merge_faults(patch).map_err(|error| refuse(StatusCode::BAD_REQUEST, error))?;
    Ok(json_response(StatusCode::OK, json!({ "faults": *faults }).to_string()))
}

async fn write_inbound(State(provider): State<Arc<Provider>>, body: Bytes) -> Answer {
    let inbound: Inbound = read(&body)?;
    let wamid = inbound::write(&provider, &inbound).map_err(|error| refuse(StatusCode::BAD_REQUEST, error))?;
    Ok(json_response(StatusCode::ACCEPTED, json!({ "wamid": wamid }).to_string()))
}

/// Reads a body whatever its content type says; an empty one is an empty object.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| refuse(StatusCode::BAD_REQUEST, error))
}
