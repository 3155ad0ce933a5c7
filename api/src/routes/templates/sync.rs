//! `POST /api/templates/sync`

use axum::http::StatusCode;
use crm::{identity::permissions::TemplatesWrite, templates::news};
use serde_json::Value;

use crate::{extract::Allowed, problem::Problem};

/// Has a job compare the templates with the provider: takes over those made elsewhere, and where each stands.
#[utoipa::path(post, path = "/api/templates/sync", tag = "templates", extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 202, description = "A job compares them"),
))]
pub(super) async fn handler(tenant: Allowed<TemplatesWrite>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    news::sync(&mut tx).await?;
    tenant.record(&mut tx, "templates.sync", None, Value::Null).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}
