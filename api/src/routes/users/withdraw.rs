//! `DELETE /api/users/{id}`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::{members, permissions::UsersManage},
};
use kernel::UserId;
use serde_json::Value;

use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Withdraws an invitation: the link is void, and the address is free for a registration or another invitation.
///
/// Whoever has joined stays a member, and can be disabled. Nobody withdraws the invitation of somebody who would have more rights.
#[utoipa::path(delete, path = "/api/users/{id}", tag = "users",
    params(("id" = UserId, Path, description = "The member")), extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 204, description = "Withdrawn"),
    (status = 404, description = "There is no such member"),
    (status = 409, description = "The member has joined already"),
))]
pub(super) async fn handler(tenant: Allowed<UsersManage>, Path(id): Path<UserId>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.state().db.identity("withdraw an invitation").await?;
    members::withdraw(&mut tx, tenant.authority(), id).await?;
    tenant.record(&mut tx, "users.withdraw", Some(Target::new("users", id)), Value::Null).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
