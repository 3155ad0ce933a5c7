//! `PATCH /api/roles/{id}`

use crm::{
    audit::Target,
    identity::{
        permissions::RolesManage,
        roles::{self, RolePatch},
    },
};
use kernel::RoleId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body::RoleBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// What changes; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RoleChange {
    /// 1 to 60 characters; the key stays.
    name: Option<String>,
    /// Up to 500 characters.
    description: Option<String>,
    /// Words of rights, in place of those before.
    permissions: Option<Vec<String>>,
}

/// Changes a role, which counts for its members within five seconds.
///
/// Whoever changes it needs all rights that it has and all that it gets.
#[utoipa::path(method(patch, put), path = "/api/roles/{id}", tag = "roles",
    params(("id" = RoleId, Path, description = "The role")), extensions(("x-permission" = json!("roles.manage"))), responses(
    (status = 200, description = "Changed", body = RoleBody),
    (status = 404, description = "There is no such role"),
))]
pub(super) async fn handler(
    tenant: Allowed<RolesManage>,
    Path(id): Path<RoleId>,
    Json(change): Json<RoleChange>,
) -> Result<Json<RoleBody>, Problem> {
    let patch = RolePatch { name: change.name, description: change.description, permissions: change.permissions };
    let mut tx = tenant.begin().await?;
    let role = roles::patch(&mut tx, tenant.clock(), tenant.rights(), id, patch).await?;
    let details = json!({ "permissions": role.rights.words() });
    tenant.record(&mut tx, "roles.update", Some(Target::new("roles", id)), details).await?;
    tx.commit().await?;
    tenant.state().identity.forget_organization(tenant.organization());
    Ok(Json(role.into()))
}
