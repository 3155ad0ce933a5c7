//! `PATCH /api/users/{id}`

use crm::{
    audit::Target,
    identity::{members, permissions::UsersManage},
};
use kernel::UserId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body::MemberBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// What changes; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MemberChange {
    /// A built-in role, or the key of one of the organization's own.
    role: Option<String>,
}

/// Gives a member another role, which counts within five seconds.
///
/// Neither the role before nor the new one may have rights that whoever asks does not have. Nobody changes their own, and the last active
/// admin stays one.
#[utoipa::path(method(patch, put), path = "/api/users/{id}", tag = "users",
    params(("id" = UserId, Path, description = "The member")), extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 200, description = "Changed", body = MemberBody),
    (status = 404, description = "There is no such member"),
    (status = 409, description = "It is yourself, or the last active admin"),
))]
pub(super) async fn handler(
    tenant: Allowed<UsersManage>,
    Path(id): Path<UserId>,
    Json(change): Json<MemberChange>,
) -> Result<Json<MemberBody>, Problem> {
    let mut tx = tenant.state().db.identity("change a member").await?;
    let before = match &change.role {
        Some(role) => members::set_role(&mut tx, tenant.clock().now(), tenant.authority(), id, role).await?,
        None => None,
    };
    let member = members::show(&mut tx, tenant.organization(), id).await?;
    if let Some(before) = before {
        let details = json!({ "from": before.as_str(), "to": member.role.as_str() });
        tenant.record(&mut tx, "users.setRole", Some(Target::new("users", id)), details).await?;
    }
    tx.commit().await?;
    tenant.state().identity.forget_member(tenant.organization(), id);
    Ok(Json(member.into()))
}
