//! Pages of lists: `?limit=&cursor=` in, `{ data, nextCursor }` out.

use axum::{extract::FromRequestParts, http::request::Parts};
use kernel::{Cursor, Page, PageRequest};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;

/// Which page is wanted. Stands in a signature beside [`super::Query`]; its operation lists `params(PageParams)`.
#[derive(Clone, Copy, Debug)]
pub struct Paging(pub PageRequest);

/// The parameters of a list, for the API description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only describes what Paging reads")]
pub struct PageParams {
    /// Rows of a page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageBody<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> PageBody<T> {
    /// The page of bodies for a page of models.
    pub fn of<M: Into<T>>(page: Page<M>) -> Self {
        Self { data: page.data.into_iter().map(Into::into).collect(), next_cursor: page.next.map(Cursor::encode) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut request = PageRequest { limit: DEFAULT_LIMIT, after: None };
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            match &*name {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    request.limit = limit.ok_or_else(|| Problem::field("limit", "out-of-range", "a whole number from 1 to 200"))?;
                }
                "cursor" if !value.is_empty() => {
                    request.after = Some(Cursor::parse(&value).map_err(|error| Problem::field("cursor", "malformed", &error))?);
                }
                _ => {}
            }
        }
        Ok(Self(request))
    }
}
