//! `GET /api/organizations/current/logo`

use axum::{http::HeaderMap, response::Response};
use crm::files::{FileError, service};

use super::serve::{Caching, serve};
use crate::{extract::Tenant, problem::Problem};

/// The logo of the organization of whoever asks.
#[utoipa::path(get, path = "/api/organizations/current/logo", tag = "organizations", responses(
    (status = 200, description = "The picture", content_type = "image/webp", body = Vec<u8>),
    (status = 304, description = "It is the one that `If-None-Match` names"),
    (status = 404, description = "The organization has no logo"),
    (status = 503, description = "The store of files is unavailable"),
))]
pub(super) async fn handler(tenant: Tenant, headers: HeaderMap) -> Result<Response, Problem> {
    let mut tx = tenant.begin().await?;
    let logo = service::logo(&mut tx).await?.ok_or(FileError::NoLogo)?;
    tx.commit().await?;
    serve(&tenant.state().files, &logo, Caching::AskAgain, &headers).await
}
