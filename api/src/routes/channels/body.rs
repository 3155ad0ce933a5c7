//! A channel as clients see it.

use chrono::{DateTime, Utc};
use crm::channels::Channel;
use kernel::ChannelId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What carries the messages.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum ChannelKind {
    /// The WhatsApp Business Cloud API.
    CloudApi,
}

/// A number that sends and receives. Its token is never shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Channel)]
pub(super) struct ChannelBody {
    id: ChannelId,
    kind: ChannelKind,
    /// Name among colleagues.
    display_name: String,
    /// The provider's id of the number.
    phone_number_id: String,
    /// The provider's id of the WhatsApp Business Account.
    business_account_id: String,
    /// `connecting`, `connected` or `disconnected`.
    state: &'static str,
    /// Why it is disconnected.
    state_reason: Option<String>,
    /// Highest rate of sending.
    messages_per_second: u32,
    /// The number as the provider shows it.
    display_phone_number: Option<String>,
    /// Name of the business as the provider verified it.
    verified_name: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    quality: Option<String>,
    /// How many people may be written to in a day, as `TIER_2K`.
    tier: Option<String>,
    /// `STANDARD` or `HIGH`.
    throughput: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Channel> for ChannelBody {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id,
            kind: ChannelKind::CloudApi,
            display_name: channel.display_name,
            phone_number_id: channel.phone_number_id,
            business_account_id: channel.business_account_id,
            state: channel.state.as_str(),
            state_reason: channel.state_reason,
            messages_per_second: channel.messages_per_second,
            display_phone_number: channel.display_phone_number,
            verified_name: channel.verified_name,
            quality: channel.quality,
            tier: channel.messaging_tier,
            throughput: channel.throughput,
            created_at: channel.created_at,
            updated_at: channel.updated_at,
        }
    }
}
