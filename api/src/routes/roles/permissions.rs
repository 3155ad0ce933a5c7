//! `GET /api/permissions`

use crm::identity::{Permission, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Json, PageBody, Tenant};

/// A right.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Permission)]
pub(super) struct PermissionBody {
    /// The word by which roles and API keys name it.
    key: &'static str,
    /// What it allows.
    description: &'static str,
    /// The built-in roles that have it.
    roles: Vec<&'static str>,
}

/// Lists the rights that roles and API keys can have. There is one page.
#[utoipa::path(get, path = "/api/permissions", tag = "roles", responses(
    (status = 200, description = "All rights", body = PageBody<PermissionBody>),
))]
pub(super) async fn handler(_: Tenant) -> Json<PageBody<PermissionBody>> {
    let grantable = Permission::ALL.iter().filter(|permission| permission.is_grantable());
    let data = grantable
        .map(|permission| PermissionBody {
            key: permission.as_str(),
            description: permission.description(),
            roles: permission.roles().iter().copied().map(Role::as_str).collect(),
        })
        .collect();
    Json(PageBody { data, next_cursor: None })
}
