//! `DELETE /api/templates/{id}/draft`

use axum::http::StatusCode;
use crm::{audit::Target, identity::permissions::TemplatesWrite, templates::service};
use kernel::TemplateId;
use serde_json::Value;

use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Throws the change of an approved template away.
#[utoipa::path(delete, path = "/api/templates/{id}/draft", tag = "templates", params(("id" = TemplateId, Path, description = "The template")),
    extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 204, description = "Thrown away"),
    (status = 404, description = "There is no such template, or no change of it is being written"),
    (status = 409, description = "The change is being submitted"),
))]
pub(super) async fn delete(tenant: Allowed<TemplatesWrite>, Path(id): Path<TemplateId>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    service::throw_away(&mut tx, id).await?;
    tenant.record(&mut tx, "templates.deleteDraft", Some(Target::new("templates", id)), Value::Null).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
