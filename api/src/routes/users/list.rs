//! `GET /api/users`

use crm::identity::{members, permissions::UsersManage};

use super::body::MemberBody;
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging},
    problem::Problem,
};

/// Lists the members, newest first.
#[utoipa::path(get, path = "/api/users", tag = "users", params(PageParams), extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 200, description = "A page of members", body = PageBody<MemberBody>),
))]
pub(super) async fn handler(tenant: Allowed<UsersManage>, Paging(page): Paging) -> Result<Json<PageBody<MemberBody>>, Problem> {
    let mut tx = tenant.begin().await?;
    let members = members::list(&mut tx, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(members)))
}
