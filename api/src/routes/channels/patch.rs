//! `PATCH /api/whatsapp/channels/{id}`

use crm::{
    audit::Target,
    channels::{ChannelPatch, service},
    identity::permissions::ChannelsManage,
};
use kernel::ChannelId;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
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
    let named = [
        ("displayName", change.display_name.is_some()),
        ("accessToken", change.access_token.is_some()),
        ("messagesPerSecond", change.messages_per_second.is_some()),
    ];
    let changed: Vec<_> = named.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect();
    let mut tx = tenant.begin().await?;
    let channel = service::patch(&mut tx, tenant.clock(), keeping(tenant.state()), id, change).await?;
    // That a token was replaced is worth knowing, whatever else changed with it; its value is nowhere.
    let action = if changed.contains(&"accessToken") { "channels.replaceToken" } else { "channels.update" };
    tenant.record(&mut tx, action, Some(Target::new("channels", id)), json!({ "fields": changed })).await?;
    tx.commit().await?;
    Ok(Json(channel.into()))
}
