//! `DELETE /api/api-keys/{id}`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::{api_keys, permissions::ApiKeysManage},
};
use kernel::ApiKeyId;
use serde_json::Value;

use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Ends a key for good, which counts within five seconds.
#[utoipa::path(delete, path = "/api/api-keys/{id}", tag = "apiKeys",
    params(("id" = ApiKeyId, Path, description = "The key")), extensions(("x-permission" = json!("apiKeys.manage"))), responses(
    (status = 204, description = "It has ended"),
    (status = 404, description = "There is no such key"),
))]
pub(super) async fn handler(tenant: Allowed<ApiKeysManage>, Path(id): Path<ApiKeyId>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    api_keys::revoke(&mut tx, tenant.clock(), id).await?;
    tenant.record(&mut tx, "apiKeys.revoke", Some(Target::new("apiKeys", id)), Value::Null).await?;
    tx.commit().await?;
    tenant.state().identity.forget_key(id);
    Ok(StatusCode::NO_CONTENT)
}
