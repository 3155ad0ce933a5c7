//! `PATCH /api/whatsapp/channels/{id}`

use crm::{
    channels::{ChannelPatch, service},
    identity::permissions::ChannelsManage,
};
use kernel::ChannelId;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{body::ChannelBody, create::keeping};
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// What changes; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChannelChange {
    /// 1 to 200 characters.
    display_name: Option<String>,
    /// A new token: the number connects again.
    #[schema(value_type = Option<String>, format = Password)]
    access_token: Option<SecretString>,
    /// 1 to 1000.
    messages_per_second: Option<u32>,
}

/// Changes a number, or gives it a new token.
#[utoipa::path(method(patch, put), path = "/api/whatsapp/channels/{id}", tag = "channels",
    params(("id" = ChannelId, Path, description = "The channel")), extensions(("x-permission" = json!("channels.manage"))), responses(
    (status = 200, description = "Changed", body = ChannelBody),
    (status = 404, description = "There is no such channel"),
))]
pub(super) async fn handler(
    tenant: Allowed<ChannelsManage>,
    Path(id): Path<ChannelId>,
    Json(change): Json<ChannelChange>,
) -> Result<Json<ChannelBody>, Problem> {
    let change = ChannelPatch {
        display_name: change.display_name,
        access_token: change.access_token,
        messages_per_second: change.messages_per_second,
    };
    let mut tx = tenant.begin().await?;
    let channel = service::patch(&mut tx, tenant.clock(), keeping(tenant.state()), id, change).await?;
    tx.commit().await?;
    Ok(Json(channel.into()))
}
