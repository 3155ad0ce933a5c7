//! `GET /api/roles`

use crm::identity::{Role, permissions::RolesManage, roles};

use super::body::RoleBody;
use crate::{
    extract::{Allowed, Json, PageBody},
    problem::Problem,
};

/// Lists all roles: the built-in ones, then the organization's own by name. There is one page: an organization has at most 100 of its own.
#[utoipa::path(get, path = "/api/roles", tag = "roles", extensions(("x-permission" = json!("roles.manage"))), responses(
    (status = 200, description = "All roles", body = PageBody<RoleBody>),
))]
pub(super) async fn handler(tenant: Allowed<RolesManage>) -> Result<Json<PageBody<RoleBody>>, Problem> {
    let mut tx = tenant.begin().await?;
    let own = roles::list(&mut tx).await?;
    tx.commit().await?;
    let data = Role::ALL.into_iter().map(Into::into).chain(own.into_iter().map(Into::into)).collect();
    Ok(Json(PageBody { data, next_cursor: None }))
}
