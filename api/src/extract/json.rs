//! JSON bodies.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::problem::Problem;

/// A JSON body, of a request or an answer.
///
/// Input types carry `#[serde(deny_unknown_fields)]`, so that a misspelt field is an answer and not a surprise.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// A JSON body that may be left out, with or without a content type: for actions whose every input is optional.
#[derive(Clone, Copy, Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        if !is_json && request.headers().contains_key(header::CONTENT_TYPE) {
            return Err(wrong_type());
        }
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Err(Problem::invalid("body-missing", "a JSON body is needed"));
        }
        if !is_json {
            return Err(wrong_type());
        }
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(wrong_type());
        }
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| body_problem(&rejection))
}

/// The problem of a body that could not be read to its end.
pub(crate) fn body_problem(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "the body is too large"),
        _ => Problem::invalid("body-unreadable", "the body ended before it was complete"),
    }
}

fn wrong_type() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type-unsupported", "the content type must be application/json")
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if has_nul(bytes) {
        return Err(Problem::invalid("unstorable-text", "a text contains the character U+0000, which cannot be stored"));
    }
    // Serde would read an array as the fields of a structure in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Problem::field("body", "wrong-type", "the body must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let (category, detail) = (error.inner().classify(), describe(error.inner()));
        match category {
            serde_json::error::Category::Data => {
                let field = named(&detail).unwrap_or_else(|| if path == "." { "body".into() } else { path });
                Problem::invalid("invalid-input", "the body does not have the expected form").with_field(field, code(&detail), &detail)
            }
            _ => malformed(&detail),
        }
    })?;
    deserializer.end().map_err(|error| malformed(&describe(&error)))?;
    Ok(value)
}

fn malformed(detail: &str) -> Problem {
    Problem::invalid("malformed-json", &format!("the body is not valid JSON: {detail}"))
}

/// The message without serde's values: what a client wrote is not repeated beyond the names of its fields.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if error.classify() == serde_json::error::Category::Data {
        // The place in the text says less than the path, which is told beside it.
        text.rfind(" at line ").map_or(text.clone(), |end| text[..end].to_owned())
    } else {
        text
    }
}

/// The field that a message names itself: the path ends at the object around it.
fn named(detail: &str) -> Option<String> {
    let rest = detail.strip_prefix("missing field `").or_else(|| detail.strip_prefix("unknown field `"))?;
    rest.split_once('`').map(|(field, _)| field.to_owned())
}

fn code(detail: &str) -> &'static str {
    if detail.starts_with("missing field") {
        "missing"
    } else if detail.starts_with("unknown field") {
        "unknown-field"
    } else if detail.starts_with("unknown variant") {
        "unknown-value"
    } else if detail.starts_with("duplicate field") {
        "duplicate"
    } else if detail.starts_with("invalid type") {
        "wrong-type"
    } else {
        "invalid"
    }
}

/// Whether a string of the document holds U+0000, written as an escape: PostgreSQL stores every character but this.
fn has_nul(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        match rest.get(at + 1) {
            Some(b'u') if rest.get(at + 2..at + 6) == Some(b"0000") => return true,
            Some(_) => rest = &rest[at + 2..],
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only parsed")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only parsed")]
        number: u8,
    }

    fn told(text: &str) -> String {
        format!("{:?}", parse::<Outer>(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn the_field_at_fault_is_named() {
        assert!(told(r#"{"inner":[{"number":1},{"number":"x"}]}"#).contains(r#"field: "inner[1].number", code: "wrong-type""#));
        assert!(told(r#"{"inner":[{}]}"#).contains(r#"code: "missing""#));
        assert!(told(r#"{"inner":[{"number":1,"nunber":2}]}"#).contains(r#"code: "unknown-field""#));
        assert!(told("[]").contains("invalid-input"));
    }

    #[test]
    fn what_is_no_json_is_called_so() {
        for text in ["{", "{\"inner\":[]} x", "nul", "\u{1}", "{\"inner\": 1e999}"] {
            assert!(told(text).contains("malformed-json"), "{}", told(text));
        }
    }

    #[test]
    fn nul_is_found_only_where_it_is_one() {
        assert!(has_nul(br#""a\u0000b""#));
        assert!(!has_nul(br#""a\\u0000b""#));
        assert!(has_nul(br#""a\\\u0000b""#));
        assert!(!has_nul(br#""a\u00001"#.split_at(3).0));
    }
}
