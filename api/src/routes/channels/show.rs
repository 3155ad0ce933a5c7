//! `GET /api/whatsapp/channels/{id}`

use crm::{channels::service, identity::permissions::ChannelsRead};
use kernel::ChannelId;

use super::body::ChannelBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// One number.
#[utoipa::path(get, path = "/api/whatsapp/channels/{id}", tag = "channels", params(("id" = ChannelId, Path, description = "The channel")),
    extensions(("x-permission" = json!("channels.read"))), responses(
    (status = 200, description = "The number", body = ChannelBody),
    (status = 404, description = "There is no such channel"),
))]
pub(super) async fn handler(tenant: Allowed<ChannelsRead>, Path(id): Path<ChannelId>) -> Result<Json<ChannelBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let channel = service::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(channel.into()))
}
