//! JSON bodies.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use super::strict::{self, Strict};
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
    // Serde would read an array as the fields of a structure in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Problem::field("body", "wrong-type", "the body must be a JSON object"));
    }
    let _: Strict = read_as(bytes)?;
    read_as(bytes)
}

fn read_as<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let (category, detail) = (error.inner().classify(), describe(error.inner()));
        match category {
            serde_json::error::Category::Data => {
                let field = named(&detail).unwrap_or_else(|| if path == "." { "body".into() } else { path.replace('\0', "") });
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
    let rest = ["missing field `", "unknown field `", "duplicate field `"].iter().find_map(|prefix| detail.strip_prefix(prefix))?;
    rest.split_once('`').map(|(field, _)| field.to_owned())
}

fn code(detail: &str) -> &'static str {
    let form = [
        ("missing field", "missing"),
        ("unknown field", "unknown-field"),
        ("unknown variant", "unknown-value"),
        ("invalid type", "wrong-type"),
    ];
    let rule = form.iter().chain(&strict::CODES).find(|(beginning, _)| detail.starts_with(beginning));
    rule.map_or("invalid", |(_, code)| code)
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

    fn rule(text: &str) -> (String, String) {
        #[derive(Deserialize)]
        struct Any {
            #[expect(dead_code, reason = "only parsed")]
            any: serde_json::Value,
        }
        let Err(problem) = parse::<Any>(text.as_bytes()) else { return Default::default() };
        let told = format!("{problem:?}");
        let part = |after: &str| told.split_once(after).and_then(|(_, rest)| rest.split('"').next()).unwrap_or(&told).to_owned();
        (part("field: \""), part("code: \""))
    }

    fn rule_is(text: &str, field: &str, code: &str) {
        assert_eq!(rule(text), (field.to_owned(), code.to_owned()), "{}", text.get(..100).unwrap_or(text));
    }

    #[test]
    fn nul_is_found_only_where_it_is_one() {
        rule_is(r#"{"any":{"b":["x","a\u0000b"]}}"#, "any.b[1]", "unstorable-text");
        rule_is(r#"{"any":{"a\u0000b":1}}"#, "any", "unstorable-text");
        rule_is(r#"{"any":"a\\u0000b"}"#, "", "");
        rule_is(r#"{"any":"a\\\u0000b"}"#, "any", "unstorable-text");
    }

    #[test]
    fn a_field_is_said_once_however_deep() {
        rule_is(r#"{"any":{"a":[{"b":1,"b":1}]}}"#, "b", "duplicate");
        rule_is(r#"{"any":1,"any":2}"#, "any", "duplicate");
        rule_is(r#"{"any":{"b":1,"\u0062":1}}"#, "b", "duplicate");
    }

    #[test]
    fn depth_and_number_of_items_are_bounded() {
        let deep = |levels: usize| format!("{{\"any\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        rule_is(&deep(32), "", "");
        assert_eq!(rule(&deep(33)).1, "too-deep");
        assert_eq!(rule(&deep(100)).1, "too-deep");
        let long = |items: usize| format!("{{\"any\":[{}]}}", vec!["1"; items].join(","));
        rule_is(&long(10_000), "", "");
        assert_eq!(rule(&long(10_001)).1, "too-many");
        let wide = |fields: usize| format!("{{\"any\":{{{}}}}}", (0..fields).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(","));
        rule_is(&wide(10_000), "", "");
        assert_eq!(rule(&wide(10_001)).1, "too-many");
    }

    #[test]
    fn numbers_are_those_that_everybody_reads_alike() {
        for fits in ["9007199254740991", "-9007199254740991", "0.5", "1e15", "-0"] {
            rule_is(&format!("{{\"any\":{fits}}}"), "", "");
        }
        for odd in ["9007199254740992", "-9007199254740992", "18446744073709551616", "1e16", "-1e300"] {
            rule_is(&format!("{{\"any\":{odd}}}"), "any", "out-of-range");
        }
    }
}
