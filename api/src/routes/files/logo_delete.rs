//! `DELETE /api/organizations/current/logo`

use axum::http::StatusCode;
use crm::{audit::Target, files::service, identity::permissions::OrganizationManage};

use crate::{extract::Allowed, problem::Problem};

/// Takes the logo away.
#[utoipa::path(delete, path = "/api/organizations/current/logo", tag = "organizations",
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 204, description = "Gone"),
    (status = 404, description = "The organization has no logo"),
))]
pub(super) async fn handler(tenant: Allowed<OrganizationManage>) -> Result<StatusCode, Problem> {
    let state = tenant.state();
    let mut tx = tenant.begin().await?;
    let former = service::detach_logo(&mut tx, tenant.clock().now()).await?;
    let target = Target::new("files", former.id);
    tenant.record(&mut tx, "organizations.deleteLogo", Some(target), serde_json::Value::Null).await?;
    tx.commit().await?;
    service::discard(&state.db, &state.files, &former).await;
    Ok(StatusCode::NO_CONTENT)
}
