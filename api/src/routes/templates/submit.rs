//! `POST /api/templates/{id}/submit`

use axum::http::StatusCode;
use crm::{audit::Target, identity::permissions::TemplatesWrite, templates::service};
use kernel::TemplateId;
use serde_json::Value;

use super::body::TemplateBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// Has a job submit the template for review, once. Its status goes from `SUBMITTING` over `PENDING` to `APPROVED` or `REJECTED`. Asking
/// again while that goes on changes nothing.
///
/// Of an approved or paused template the `draft` is submitted. Its status stays until the provider took the change, which is under review
/// then. An approved one takes one change in 24 hours and ten in 30 days.
#[utoipa::path(post, path = "/api/templates/{id}/submit", tag = "templates", params(("id" = TemplateId, Path, description = "The template")),
    extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 202, description = "A job submits it", body = TemplateBody),
    (status = 404, description = "There is no such template"),
    (status = 409, description = "Its status does not allow it, its number is disconnected, campaigns are under way with it, or it was changed too often"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesWrite>,
    Path(id): Path<TemplateId>,
) -> Result<(StatusCode, Json<TemplateBody>), Problem> {
    let mut tx = tenant.begin().await?;
    let template = service::submit(&mut tx, tenant.clock(), id).await?;
    tenant.record(&mut tx, "templates.submit", Some(Target::new("templates", id)), Value::Null).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(template.into())))
}
