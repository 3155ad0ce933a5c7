//! A campaign as clients see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use crm::campaigns::model::{Audience, Campaign, CampaignState, UnknownPolicy, VariableSource};
use kernel::{CampaignId, ChannelId, TemplateId};
use serde::Serialize;
use utoipa::ToSchema;

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Campaign)]
pub(super) struct CampaignBody {
    id: CampaignId,
    name: String,
    channel_id: ChannelId,
    template_id: TemplateId,
    audience: Audience,
    /// Values of the template's variables, by variable name.
    variables: BTreeMap<String, VariableSource>,
    unknown_policy: UnknownPolicy,
    /// The campaign's own limit.
    messages_per_second: Option<u32>,
    state: CampaignState,
    /// Why it is in this state, where that needs saying, as `pauseAccount:190`. A pause for `template:<status>`,
    /// (`template:EDITING` while a change of it is submitted), `templateCategory:<category>` or `templateContent` ends by itself once the
    /// template is as it was at the launch.
    state_reason: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    launched_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// Version of the template that its messages are made of; null until it is launched.
    template_version: Option<i32>,
}

impl From<Campaign> for CampaignBody {
    fn from(campaign: Campaign) -> Self {
        let Campaign { id, draft, state, state_reason, created_at, updated_at, launched_at, finished_at, template_version } = campaign;
        Self {
            id,
            name: draft.name,
            channel_id: draft.channel,
            template_id: draft.template,
            audience: draft.audience,
            variables: draft.variables,
            unknown_policy: draft.unknown_policy,
            messages_per_second: draft.messages_per_second,
            state,
            state_reason,
            created_at,
            updated_at,
            launched_at,
            finished_at,
            template_version,
        }
    }
}
