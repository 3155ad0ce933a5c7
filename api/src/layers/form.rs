//! Requests of a form that no handler should see: unknown methods, and far more of a head than anybody needs.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::problem::Problem;

/// Longest path and query, in bytes.
const MAX_PATH: usize = 2_048;
const MAX_QUERY: usize = 8_192;
/// Names and values of all headers together, in bytes.
const MAX_HEADERS: usize = 32_768;

/// Refuses what has another form.
pub async fn check(request: Request, next: Next) -> Response {
    match refusal(&request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(request: &Request) -> Option<Problem> {
    let uri = request.uri();
    if !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS
    ) {
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "no route answers this method");
        return Some(problem.with_header(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")));
    }
    if uri.path().len() > MAX_PATH || uri.query().is_some_and(|query| query.len() > MAX_QUERY) {
        return Some(Problem::new(StatusCode::URI_TOO_LONG, "address-too-long", "the path or the query string is too long"));
    }
    (length(request.headers()) > MAX_HEADERS)
        .then(|| Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "the headers are too large"))
}

fn length(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}
