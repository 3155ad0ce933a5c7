//! `GET /api/roles/{id}`

use crm::identity::{permissions::RolesManage, roles};
use kernel::RoleId;

use super::body::RoleBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// Shows a role of the organization's own.
#[utoipa::path(get, path = "/api/roles/{id}", tag = "roles",
    params(("id" = RoleId, Path, description = "The role")), extensions(("x-permission" = json!("roles.manage"))), responses(
    (status = 200, description = "The role", body = RoleBody),
    (status = 404, description = "There is no such role"),
))]
pub(super) async fn handler(tenant: Allowed<RolesManage>, Path(id): Path<RoleId>) -> Result<Json<RoleBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let role = roles::show(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(role.into()))
}
