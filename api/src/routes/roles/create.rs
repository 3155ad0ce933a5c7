//! `POST /api/roles`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::{
        permissions::RolesManage,
        roles::{self, RoleDraft},
    },
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body::RoleBody;
use crate::{
    extract::{Allowed, Json},
    problem::Problem,
};

/// A role to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RoleInput {
    /// 1 to 60 characters; the role's key is made of its letters from a to z and its digits.
    name: String,
    /// Up to 500 characters.
    #[serde(default)]
    description: String,
    /// Words of rights, as `GET /api/permissions` lists them.
    permissions: Vec<String>,
}

/// Makes a role. It cannot have rights that whoever makes it does not have.
#[utoipa::path(post, path = "/api/roles", tag = "roles", extensions(("x-permission" = json!("roles.manage"))), responses(
    (status = 201, description = "Made", body = RoleBody),
    (status = 409, description = "Another role has this name, or there are too many"),
))]
pub(super) async fn handler(tenant: Allowed<RolesManage>, Json(input): Json<RoleInput>) -> Result<(StatusCode, Json<RoleBody>), Problem> {
    let draft = RoleDraft { name: input.name, description: input.description, permissions: input.permissions };
    let mut tx = tenant.begin().await?;
    let role = roles::create(&mut tx, tenant.clock(), tenant.rights(), draft).await?;
    let details = json!({ "permissions": role.rights.words() });
    tenant.record(&mut tx, "roles.create", Some(Target::new("roles", role.id)), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(role.into())))
}
