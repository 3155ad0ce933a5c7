//! `GET /api/files/{id}/content`

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use crm::files::service;
use kernel::{FileId, OrganizationId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::serve::{Caching, serve};
use crate::{
    extract::{Path, Query},
    problem::Problem,
    state::AppState,
};

/// What makes an address one of ours.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Signed {
    /// Whose file it is.
    organization: OrganizationId,
    /// When the address ends, in seconds since 1970.
    expires: i64,
    /// Proves all of it.
    signature: String,
}

/// Reads a file by an address that was given out for it; no token is needed.
#[utoipa::path(get, path = "/api/files/{id}/content", tag = "files", security(()),
    params(("id" = FileId, Path, description = "The file"), Signed), responses(
    (status = 200, description = "The file, in its own media type", content_type = "application/octet-stream", body = Vec<u8>),
    (status = 304, description = "It is the one that `If-None-Match` names"),
    (status = 403, description = "The address is none of ours, or has ended"),
    (status = 404, description = "There is no such file any more"),
    (status = 503, description = "The store of files is unavailable"),
))]
pub(super) async fn handler(
    State(state): State<AppState>,
    Path(id): Path<FileId>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Signed { organization, expires, signature } = signed;
    if !state.links.admits(organization, id, expires, &signature, state.clock.now()) {
        return Err(Problem::forbidden("file-link-invalid", "the address is none of ours, or has ended"));
    }
    let mut tx = state.db.tenant(organization).await?;
    let file = service::get(&mut tx, id).await?;
    tx.commit().await?;
    let mut response = serve(&state.files, &file, Caching::Forever, &headers).await?;
    // A console under another address shows it too: whoever has the link may.
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    response.headers_mut().insert(policy, HeaderValue::from_static("cross-origin"));
    Ok(response)
}
