//! `DELETE /api/whatsapp/channels/{id}`

use axum::http::StatusCode;
use crm::{audit::Target, channels::service, identity::permissions::ChannelsManage};
use kernel::ChannelId;
use serde_json::Value;

use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Forgets a number that neither templates nor campaigns use.
#[utoipa::path(delete, path = "/api/whatsapp/channels/{id}", tag = "channels",
    params(("id" = ChannelId, Path, description = "The channel")), extensions(("x-permission" = json!("channels.manage"))), responses(
    (status = 204, description = "Forgotten"),
    (status = 404, description = "There is no such channel"),
    (status = 409, description = "Templates or campaigns use it"),
))]
pub(super) async fn handler(tenant: Allowed<ChannelsManage>, Path(id): Path<ChannelId>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    service::delete(&mut tx, id).await?;
    tenant.record(&mut tx, "channels.delete", Some(Target::new("channels", id)), Value::Null).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
