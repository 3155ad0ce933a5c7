//! Requests that name themselves by an `Idempotency-Key` take effect once, however often they are sent.
//!
//! The handler runs in a task of its own, so that its answer is kept even when the client has gone; that is when it will ask again.

mod request;

use std::{any::Any, panic::AssertUnwindSafe};

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use crm::idempotency::{self, Answer, Beginning, IdempotencyError, IdempotencyKey, Sender, Turn};
use futures::FutureExt;
use tracing::Instrument;

use super::request_id;
use crate::{extract::Tenant, openapi, problem::Problem, state::AppState};

/// The header that names a request.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that tells an answer that is given again.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Headers that belong to an answer; all others are made anew. (Cookies are not among them: they belong to one login.)
const KEPT: [HeaderName; 4] = [header::CONTENT_TYPE, header::CONTENT_DISPOSITION, header::LOCATION, header::LINK];
/// Longest body of an answer that is kept, in bytes. Answers of operations that make something are short.
const MAX_KEPT: usize = 1 << 20;

/// Has a request with a key take effect once.
pub async fn once(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let named = request.method() == Method::POST && request.headers().contains_key(KEY) && openapi::takes_idempotency_key(path);
    if named { answer(state, request, next).await.unwrap_or_else(Problem::into_response) } else { next.run(request).await }
}

async fn answer(state: AppState, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request::limited(request).into_parts();
    let key = key(&parts.headers)?;
    let tenant = Tenant::from_request_parts(&mut parts, &state).await?;
    let (hash, body) = request::read(&parts, body).await?;
    let sender = Sender { organization: tenant.organization(), actor: actor(&tenant) };
    let turn = match idempotency::begin(&state.db, &state.vault, state.clock.now(), (sender, key), hash).await? {
        Beginning::Turn(turn) => turn,
        Beginning::Answered(answer) => return Ok(again(answer)),
    };
    let request = Request::from_parts(parts, body);
    let work = async move {
        let handled = AssertUnwindSafe(db::guarded(idempotency::guard(&turn), next.run(request))).catch_unwind().await;
        settle(&state, &turn, handled).await
    };
    let work = request_id::scope(request_id::current().unwrap_or_default(), work).instrument(tracing::Span::current());
    match tokio::spawn(work).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => Err(Problem::internal(&error)),
    }
}

type Handled = Result<Response, Box<dyn Any + Send>>;

/// Keeps the answer, or gives the turn back when the request is to be tried again.
async fn settle(state: &AppState, turn: &Turn, handled: Handled) -> Handled {
    let (settled, handled) = match handled {
        Ok(response) if is_final(response.status()) => {
            let (parts, body) = response.into_parts();
            match kept(parts.status, &parts.headers, body).await {
                (Some(answer), body) => {
                    (idempotency::keep(&state.db, &state.vault, turn, &answer).await, Ok(Response::from_parts(parts, body)))
                }
                // The key stays behind as one whose answer was lost.
                (None, body) => (Ok(()), Ok(Response::from_parts(parts, body))),
            }
        }
        other => (idempotency::give_back(&state.db, turn).await, other),
    };
    if let Err(error) = settled {
        tracing::warn!(error = &error as &dyn std::error::Error, "what became of a request with an idempotency key was not written down");
    }
    handled
}

/// Whether a repetition is to be told the same: not when it was for the moment only, or for who asked and not for what.
fn is_final(status: StatusCode) -> bool {
    let passing = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    !status.is_server_error() && !passing.contains(&status)
}

/// The answer to be kept, unless it is too long, and its body once more.
async fn kept(status: StatusCode, headers: &HeaderMap, body: Body) -> (Option<Answer>, Body) {
    if body.size_hint().upper().is_none_or(|length| length > MAX_KEPT as u64) {
        return (None, body);
    }
    let Ok(bytes) = to_bytes(body, MAX_KEPT).await else { return (None, Body::empty()) };
    let text = |name: HeaderName| Some((name.to_string(), headers.get(&name)?.to_str().ok()?.to_owned()));
    let answer = Answer { status: status.as_u16(), headers: KEPT.into_iter().filter_map(text).collect(), body: bytes.to_vec() };
    (Some(answer), bytes.into())
}

fn again(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Bytes::from(answer.body)).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn key(headers: &HeaderMap) -> Result<IdempotencyKey, IdempotencyError> {
    let mut values = headers.get_all(KEY).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) => IdempotencyKey::parse(value),
        _ => Err(IdempotencyError::Malformed),
    }
}

fn actor(tenant: &Tenant) -> String {
    use crm::audit::Actor;
    match tenant.actor() {
        Actor::User(id) => format!("user:{id}"),
        Actor::ApiKey(id) => format!("apiKey:{id}"),
        Actor::System(name) => format!("system:{name}"),
        Actor::Nobody => "nobody".into(),
    }
}

impl From<IdempotencyError> for Problem {
    fn from(error: IdempotencyError) -> Self {
        match &error {
            IdempotencyError::Malformed => Self::invalid("idempotency-key-malformed", &error),
            IdempotencyError::InFlight => {
                Self::conflict("idempotency-key-in-flight", &error).with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
            }
            IdempotencyError::AnswerLost => Self::conflict("idempotency-answer-lost", &error),
            IdempotencyError::Reused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", &error),
            IdempotencyError::Sealing(_) | IdempotencyError::Store(_) => Self::internal(&error),
        }
    }
}
