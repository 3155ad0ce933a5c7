//! The query string.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The query string as a structure of filters. Names it does not know are ignored.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        refuse_nul(parts)?;
        let axum::extract::Query(value) = axum::extract::Query::<T>::try_from_uri(&parts.uri).map_err(|rejection| {
            let text = rejection.body_text();
            let reason = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            let (field, reason) = reason.split_once(": ").unwrap_or(("query", reason));
            let field = if field.contains(' ') { "query" } else { field };
            Problem::invalid("invalid-input", "the query string does not have the expected form").with_field(field, "invalid", reason)
        })?;
        Ok(Self(value))
    }
}

/// Refuses U+0000 in any value: PostgreSQL stores and compares every character but this.
pub(super) fn refuse_nul(parts: &Parts) -> Result<(), Problem> {
    let query = parts.uri.query().unwrap_or_default();
    match url::form_urlencoded::parse(query.as_bytes()).find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        Some((name, _)) => Err(Problem::field(name.replace('\0', ""), "unstorable-text", "contains the character U+0000")),
        None => Ok(()),
    }
}
