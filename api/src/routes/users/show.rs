//! `GET /api/users/{id}`

use crm::identity::{members, permissions::UsersManage};
use kernel::UserId;

use super::body::MemberBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// Shows a member.
#[utoipa::path(get, path = "/api/users/{id}", tag = "users",
    params(("id" = UserId, Path, description = "The member")), extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 200, description = "The member", body = MemberBody),
    (status = 404, description = "There is no such member"),
))]
pub(super) async fn handler(tenant: Allowed<UsersManage>, Path(id): Path<UserId>) -> Result<Json<MemberBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let member = members::show(&mut tx, tenant.organization(), id).await?;
    tx.commit().await?;
    Ok(Json(member.into()))
}
