//! `GET /api/api-keys`

use crm::identity::{api_keys, permissions::ApiKeysManage};

use super::body::ApiKeyBody;
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging},
    problem::Problem,
};

/// Lists the keys that were not revoked, newest first.
#[utoipa::path(get, path = "/api/api-keys", tag = "apiKeys", params(PageParams),
    extensions(("x-permission" = json!("apiKeys.manage"))), responses(
    (status = 200, description = "A page of keys", body = PageBody<ApiKeyBody>),
))]
pub(super) async fn handler(tenant: Allowed<ApiKeysManage>, Paging(page): Paging) -> Result<Json<PageBody<ApiKeyBody>>, Problem> {
    let mut tx = tenant.begin().await?;
    let keys = api_keys::list(&mut tx, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(keys)))
}
