//! `DELETE /api/roles/{id}`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::{permissions::RolesManage, roles},
};
use kernel::RoleId;
use serde_json::Value;

use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Deletes a role that nobody has. Whoever deletes it needs all rights that it has.
#[utoipa::path(delete, path = "/api/roles/{id}", tag = "roles",
    params(("id" = RoleId, Path, description = "The role")), extensions(("x-permission" = json!("roles.manage"))), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "There is no such role"),
    (status = 409, description = "Members have it"),
))]
pub(super) async fn handler(tenant: Allowed<RolesManage>, Path(id): Path<RoleId>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    roles::delete(&mut tx, tenant.rights(), id).await?;
    tenant.record(&mut tx, "roles.delete", Some(Target::new("roles", id)), Value::Null).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
