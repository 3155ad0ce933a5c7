//! `POST /api/whatsapp/channels`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    channels::{NewChannel, model::MAX_MESSAGES_PER_SECOND, service},
    identity::permissions::ChannelsManage,
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body::{ChannelBody, ChannelKind};
use crate::{
    extract::{Allowed, Json},
    problem::Problem,
    state::AppState,
};

/// A number to connect.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChannelInput {
    #[expect(dead_code, reason = "there is one kind; others are refused by the parser")]
    kind: ChannelKind,
    /// 1 to 200 characters.
    display_name: String,
    /// The provider's id of the number: digits.
    phone_number_id: String,
    /// The provider's id of the WhatsApp Business Account: digits.
    business_account_id: String,
    /// A token that may manage and send on the number.
    #[schema(value_type = String, format = Password)]
    access_token: SecretString,
    /// 1 to 1000; 80 when left out.
    messages_per_second: Option<u32>,
}

/// Connects a number. A job reads it with the token: `state` goes from `connecting` to `connected` or `disconnected`.
#[utoipa::path(post, path = "/api/whatsapp/channels", tag = "channels", extensions(("x-permission" = json!("channels.manage"))), responses(
    (status = 201, description = "It connects", body = ChannelBody),
))]
pub(super) async fn handler(
    tenant: Allowed<ChannelsManage>,
    Json(input): Json<ChannelInput>,
) -> Result<(StatusCode, Json<ChannelBody>), Problem> {
    let input = NewChannel {
        display_name: input.display_name,
        phone_number_id: input.phone_number_id,
        business_account_id: input.business_account_id,
        access_token: input.access_token,
        messages_per_second: input.messages_per_second,
    };
    let mut tx = tenant.begin().await?;
    let channel = service::create(&mut tx, tenant.clock(), keeping(tenant.state()), input).await?;
    let details = json!({ "phoneNumberId": channel.phone_number_id, "businessAccountId": channel.business_account_id });
    tenant.record(&mut tx, "channels.create", Some(Target::new("channels", channel.id)), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(channel.into())))
}

/// What keeping channels needs besides the rows.
pub(super) fn keeping(state: &AppState) -> service::Keeping<'_> {
    service::Keeping { vault: &state.vault, max_messages_per_second: MAX_MESSAGES_PER_SECOND }
}
