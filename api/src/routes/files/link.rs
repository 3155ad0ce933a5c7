//! `GET /api/files/{id}/link`

use chrono::{DateTime, TimeDelta, Utc};
use crm::files::{LINK_LASTS, service};
use kernel::FileId;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::object_problem;
use crate::{
    extract::{Json, Path, Tenant},
    problem::Problem,
};

/// A way to read a file without a token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileLink {
    /// Where the file can be read by whoever has this address; at the object store itself, where it has an address for others.
    url: String,
    /// When the address ends: in 15 minutes at most.
    expires_at: DateTime<Utc>,
}

/// An address under which a file of the organization can be read for a while without a token.
#[utoipa::path(get, path = "/api/files/{id}/link", tag = "files", params(("id" = FileId, Path, description = "The file")), responses(
    (status = 200, description = "The address", body = FileLink),
    (status = 404, description = "There is no such file"),
))]
pub(super) async fn handler(tenant: Tenant, Path(id): Path<FileId>) -> Result<Json<FileLink>, Problem> {
    let mut tx = tenant.begin().await?;
    let file = service::get(&mut tx, id).await?;
    tx.commit().await?;
    let (state, now) = (tenant.state(), tenant.clock().now());
    if let Some(url) = state.files.link(&file.object_key, LINK_LASTS).await.map_err(|error| object_problem(&error))? {
        let lasts = TimeDelta::from_std(LINK_LASTS).expect("a quarter of an hour");
        return Ok(Json(FileLink { url: url.into(), expires_at: now + lasts }));
    }
    let link = state.links.link(file.organization, file.id, now);
    Ok(Json(FileLink { url: link.url, expires_at: link.expires_at }))
}
