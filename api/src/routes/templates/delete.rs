//! `DELETE /api/templates/{id}`

use axum::http::StatusCode;
use crm::{audit::Target, identity::permissions::TemplatesWrite, templates::service};
use kernel::TemplateId;
use serde_json::Value;

use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Deletes a draft or a rejected template that no campaign uses.
#[utoipa::path(delete, path = "/api/templates/{id}", tag = "templates", params(("id" = TemplateId, Path, description = "The template")),
    extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "There is no such template"),
    (status = 409, description = "The provider has it, or campaigns use it"),
))]
pub(super) async fn handler(tenant: Allowed<TemplatesWrite>, Path(id): Path<TemplateId>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    service::delete(&mut tx, id).await?;
    tenant.record(&mut tx, "templates.delete", Some(Target::new("templates", id)), Value::Null).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
