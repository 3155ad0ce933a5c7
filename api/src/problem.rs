//! Failures as clients see them: `application/problem+json` (RFC 9457).

use std::{
    borrow::Cow,
    error::Error,
    fmt::{self, Write as _},
    time::Duration,
};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use crm::{
    fields::{FieldError, FieldErrors},
    idempotency::IdempotencyError,
};
use db::DbError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::layers::request_id;

/// One rule that the input breaks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Path of the field in the input, as `components[0].text`.
    field: String,
    /// Stable name of the rule.
    code: Cow<'static, str>,
    /// The rule in words.
    message: String,
}

/// What a failed request is answered with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Stable name of the kind of problem, as `/problems/campaign-not-found`.
    r#type: String,
    /// The status in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What happened, in one sentence; nothing of what goes on inside of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(inline)]
    errors: &'a [FieldProblem],
    /// Names the request in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// A failure on its way to the client.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

/// Boxed: most requests do not fail, and a large error makes every result large.
#[derive(Debug)]
struct Parts {
    status: StatusCode,
    slug: Cow<'static, str>,
    detail: String,
    errors: Vec<FieldProblem>,
    headers: HeaderMap,
    /// What the log is told and the client is not.
    cause: Option<String>,
}

impl Problem {
    /// A problem of any status; `slug` is the last part of its type.
    pub fn new(status: StatusCode, slug: impl Into<Cow<'static, str>>, detail: &(impl fmt::Display + ?Sized)) -> Self {
        let detail = detail.to_string();
        Self(Box::new(Parts { status, slug: slug.into(), detail, errors: Vec::new(), headers: HeaderMap::new(), cause: None }))
    }

    /// 400: the request is malformed or breaks a rule.
    pub fn invalid(slug: &'static str, detail: &(impl fmt::Display + ?Sized)) -> Self {
        Self::new(StatusCode::BAD_REQUEST, slug, detail)
    }

    /// 400: one field breaks a rule.
    pub fn field(field: impl Into<String>, code: &'static str, message: &(impl fmt::Display + ?Sized)) -> Self {
        Self::invalid("invalid-input", "the input breaks a rule").with_field(field, code, message)
    }

    /// 401: nobody known is asking.
    pub fn unauthorized(slug: &'static str, detail: &(impl fmt::Display + ?Sized)) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, slug, detail).with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the right is missing.
    pub fn forbidden(slug: &'static str, detail: &(impl fmt::Display + ?Sized)) -> Self {
        Self::new(StatusCode::FORBIDDEN, slug, detail)
    }

    /// 404: absent, or another tenant's.
    pub fn not_found(slug: &'static str, detail: &(impl fmt::Display + ?Sized)) -> Self {
        Self::new(StatusCode::NOT_FOUND, slug, detail)
    }

    /// 409: the present state does not allow it.
    pub fn conflict(slug: &'static str, detail: &(impl fmt::Display + ?Sized)) -> Self {
        Self::new(StatusCode::CONFLICT, slug, detail)
    }

    /// 503: not now, but perhaps in `retry_after`.
    pub fn unavailable(slug: &'static str, detail: &(impl fmt::Display + ?Sized), retry_after: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, detail).with_retry_after(retry_after)
    }

    /// 500, or 503 when the database cannot be reached at all. The log gets the whole chain of causes, the client none of it.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        let mut problem = match root(error) {
            Root::Unavailable => {
                Self::unavailable("database-unavailable", "the service cannot reach its database; try again soon", Duration::from_secs(2))
            }
            Root::Superseded => {
                return Self::conflict("idempotency-key-in-flight", &IdempotencyError::InFlight).with_retry_after(Duration::from_secs(1));
            }
            Root::NoSuchInstant => return Self::invalid("instant-out-of-range", "an instant is too early or too late to be stored"),
            Root::UnstorableText => return Self::invalid("unstorable-text", "a text contains a character that cannot be stored"),
            Root::Other => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the service failed; the request id names the failure in its logs")
            }
        };
        problem.0.cause = Some(chain(error));
        problem
    }

    /// Adds a rule that a field breaks.
    #[must_use]
    pub fn with_field(
        mut self,
        field: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: &(impl fmt::Display + ?Sized),
    ) -> Self {
        self.0.errors.push(FieldProblem { field: field.into(), code: code.into(), message: message.to_string() });
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Tells when to try again, in whole seconds and at least one.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// The status it will be answered with.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl From<FieldErrors> for Problem {
    fn from(FieldErrors(errors): FieldErrors) -> Self {
        errors.into_iter().fold(Self::invalid("invalid-input", "the input breaks a rule"), |problem, error: FieldError| {
            problem.with_field(error.field, error.code, &error.message)
        })
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        FieldErrors::from(error).into()
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { status, slug, detail, errors, headers, cause } = *self.0;
        if let Some(cause) = cause {
            tracing::error!(problem = %slug, cause, "request failed: {cause}");
        }
        // A failure of ours is told by its kind alone, whatever a caller has put into it.
        let failed = status.is_server_error();
        let body = ProblemBody {
            r#type: format!("/problems/{slug}"),
            title: status.canonical_reason().unwrap_or("Failure"),
            status: status.as_u16(),
            detail: Some(&*detail).filter(|_| !failed),
            errors: if failed { &[] } else { &errors },
            request_id: request_id::current(),
        };
        let body = serde_json::to_vec(&body).expect("texts and numbers are JSON");
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        response.headers_mut().extend(headers);
        response
    }
}

/// What lies at the bottom of an error.
enum Root {
    /// No connection, or none free in time.
    Unavailable,
    /// PostgreSQL cannot hold an instant.
    NoSuchInstant,
    /// PostgreSQL cannot hold a character of a text.
    UnstorableText,
    /// The turn of the request was given to a repetition of it.
    Superseded,
    Other,
}

fn root(error: &(dyn Error + 'static)) -> Root {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<sqlx::Error>() {
            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
            let no_connection = matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_));
            return match code.as_deref() {
                code if no_connection || code.is_some_and(is_refusal) => Root::Unavailable,
                Some("22008") => Root::NoSuchInstant,
                Some("22021" | "22P05") => Root::UnstorableText,
                _ => Root::Other,
            };
        }
        if let Some(DbError::Superseded) = error.downcast_ref() {
            return Root::Superseded;
        }
        next = error.source();
    }
    Root::Other
}

/// Whether PostgreSQL refused or cut the connection: too many, shutting down, starting up, read-only after a failover.
fn is_refusal(code: &str) -> bool {
    code.starts_with("08") || matches!(code, "53300" | "57P01" | "57P02" | "57P03" | "25006")
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn body(problem: Problem) -> serde_json::Value {
        serde_json::from_slice(&to_bytes(problem.into_response().into_body(), 10_000).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_problem_is_a_problem_document() {
        let problem = Problem::field("phoneNumber", "invalid", "no such number");
        assert_eq!(
            body(problem).await,
            serde_json::json!({
                "type": "/problems/invalid-input",
                "title": "Bad Request",
                "status": 400,
                "detail": "the input breaks a rule",
                "errors": [{ "field": "phoneNumber", "code": "invalid", "message": "no such number" }],
            })
        );
    }

    #[tokio::test]
    async fn an_internal_problem_tells_the_client_nothing() {
        let problem = Problem::internal(&DbError::BadRow { table: "secret_table", id: "7".into(), column: "c" });
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body(problem).await.to_string().contains("secret_table"));
    }

    /// Whatever went wrong: sentences, names of tables, paths, addresses, and what a caller put into it.
    #[tokio::test]
    async fn a_failure_of_the_service_tells_its_kind_and_nothing_else() {
        let canary = "canary-7 at /srv/app postgres://crm_app@db";
        let injected = [
            Problem::internal(&std::io::Error::other(canary)),
            Problem::internal(&DbError::from(sqlx::Error::Protocol(canary.into()))),
            Problem::internal(&DbError::from(sqlx::Error::Io(std::io::Error::other(canary)))),
            Problem::internal(&DbError::BadRow { table: "canary", id: canary.into(), column: "canary" }),
            Problem::internal(&serde_json::from_str::<u8>(canary).unwrap_err()),
            Problem::unavailable("overloaded", canary, Duration::from_secs(1)),
            Problem::new(StatusCode::BAD_GATEWAY, "provider-unreachable", canary).with_field(canary, "broken", canary),
        ];
        for problem in injected {
            assert!(problem.status().is_server_error(), "{problem:?}");
            let body = body(problem).await;
            assert!(!body.to_string().contains("canary"), "{body}");
            assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["status", "title", "type"], "{body}");
        }
    }

    #[test]
    fn a_turn_that_was_given_away_is_a_conflict() {
        let problem = Problem::internal(&DbError::Superseded);
        assert_eq!(problem.status(), StatusCode::CONFLICT);
    }

    #[test]
    fn a_database_out_of_reach_is_overload_not_failure() {
        let problem = Problem::internal(&DbError::from(sqlx::Error::PoolTimedOut));
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(problem.0.headers.contains_key(header::RETRY_AFTER));
    }
}
