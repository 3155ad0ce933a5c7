//! `GET /api/templates/{id}/versions`

use crm::{identity::permissions::TemplatesRead, templates::service};
use kernel::TemplateId;

use super::body::TemplateVersionBody;
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Path},
    problem::Problem,
};

/// Lists the contents that a template had, newest first: the first is the present one. Campaigns keep what they were launched with.
#[utoipa::path(get, path = "/api/templates/{id}/versions", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template"), PageParams),
    extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "A page of versions", body = PageBody<TemplateVersionBody>),
    (status = 404, description = "There is no such template"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesRead>,
    Path(id): Path<TemplateId>,
    Paging(page): Paging,
) -> Result<Json<PageBody<TemplateVersionBody>>, Problem> {
    let mut tx = tenant.begin().await?;
    let versions = service::versions(&mut tx, id, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(versions)))
}
