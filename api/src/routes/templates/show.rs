//! `GET /api/templates/{id}`

use crm::{identity::permissions::TemplatesRead, templates::service};
use kernel::TemplateId;

use super::body::TemplateHistoryBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// One template with its way so far.
#[utoipa::path(get, path = "/api/templates/{id}", tag = "templates", params(("id" = TemplateId, Path, description = "The template")),
    extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "The template", body = TemplateHistoryBody),
    (status = 404, description = "There is no such template"),
))]
pub(super) async fn handler(tenant: Allowed<TemplatesRead>, Path(id): Path<TemplateId>) -> Result<Json<TemplateHistoryBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let template = service::view(&mut tx, id).await?;
    let history = service::history(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(TemplateHistoryBody::new(template, history)))
}
