//! The name of a request: in its answer, in its problem document and in its log lines.

use axum::http::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header that carries it, in both directions.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const MAX_LENGTH: usize = 64;

tokio::task_local! {
    static CURRENT: String;
}

/// The name of the request that is being answered; none outside one.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// The client's own name for the request if it is a plain one, otherwise a new one.
pub(super) fn of(headers: &HeaderMap) -> String {
    let plain = |id: &&str| {
        (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    match headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(plain) {
        Some(id) => id.to_owned(),
        None => Uuid::now_v7().to_string(),
    }
}

/// Answers a request under its name.
pub(super) async fn scope<F: Future>(id: String, answer: F) -> F::Output {
    CURRENT.scope(id, answer).await
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_plain_names_are_taken_over() {
        let of = |value: &'static str| super::of(&HeaderMap::from_iter([(HEADER, HeaderValue::from_static(value))]));
        assert_eq!(of("abc-1"), "abc-1");
        assert_ne!(of("a b"), "a b");
        assert_ne!(of("<script>"), "<script>");
        assert_eq!(super::of(&HeaderMap::new()).len(), 36);
    }
}
