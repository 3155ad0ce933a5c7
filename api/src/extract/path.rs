//! Parts of the path.

use axum::{
    extract::{FromRequestParts, path::ErrorKind, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The variable parts of the path. One that cannot be read is 400; whether what it names exists is the handler's answer.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // PostgreSQL stores and compares every character but this.
        if parts.uri.path().contains("%00") {
            let problem = Problem::invalid("malformed-path", "a part of the path does not have the expected form");
            return Err(problem.with_field("path", "unstorable-text", "contains the character U+0000"));
        }
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(failure)) => {
                let field = match failure.kind() {
                    ErrorKind::ParseErrorAtKey { key, .. }
                    | ErrorKind::InvalidUtf8InPathParam { key }
                    | ErrorKind::DeserializeError { key, .. } => key.clone(),
                    _ => "path".into(),
                };
                Err(Problem::invalid("malformed-path", "a part of the path does not have the expected form").with_field(
                    field,
                    "malformed",
                    "not of the expected form",
                ))
            }
            Err(rejection) => Err(Problem::internal(&rejection)),
        }
    }
}
