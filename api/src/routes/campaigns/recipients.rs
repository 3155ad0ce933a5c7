//! `GET /api/campaigns/{id}/recipients`

use chrono::{DateTime, Utc};
use crm::{
    campaigns::{
        model::MessageState,
        recipients::{self, Recipient},
        service,
    },
    identity::permissions::CampaignsRead,
};
use kernel::{CampaignId, ContactId, Cursor, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Path, Query},
    problem::Problem,
};

/// Which recipients to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    state: Option<MessageState>,
    /// Why it was skipped, held, refused or lost, as `optedOut`.
    reason: Option<String>,
}

/// What happened to one person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignRecipient)]
pub(super) struct RecipientBody {
    contact_id: ContactId,
    /// Place in the campaign, from 1.
    seq: i32,
    /// Where the message went.
    phone_number: Option<String>,
    state: MessageState,
    /// Why it was skipped, held, refused or lost.
    reason: Option<String>,
    /// The provider's code of the last refusal.
    error_code: Option<i32>,
    /// Attempts begun, the present one included.
    attempts: i16,
    /// The provider's id of the message.
    provider_id: Option<String>,
    claimed_at: Option<DateTime<Utc>>,
    accepted_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
}

impl From<Recipient> for RecipientBody {
    fn from(row: Recipient) -> Self {
        let not_begun = matches!(row.state, MessageState::Planned | MessageState::Held | MessageState::Skipped | MessageState::Cancelled);
        Self {
            contact_id: row.contact,
            seq: row.seq,
            phone_number: row.address,
            state: row.state,
            reason: row.reason,
            error_code: row.error_code,
            attempts: row.attempt_no - i16::from(not_begun),
            provider_id: row.provider_id,
            claimed_at: row.claimed_at,
            accepted_at: row.accepted_at,
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            read_at: row.read_at,
            failed_at: row.failed_at,
        }
    }
}

/// Lists the recipients of a launched campaign in the order of sending, each with what happened and why.
#[utoipa::path(get, path = "/api/campaigns/{id}/recipients", tag = "campaigns",
    params(("id" = CampaignId, Path, description = "The campaign"), PageParams, Filter),
    extensions(("x-permission" = json!("campaigns.read"))), responses(
    (status = 200, description = "A page of recipients", body = PageBody<RecipientBody>),
    (status = 404, description = "There is no such campaign"),
))]
pub(super) async fn handler(
    tenant: Allowed<CampaignsRead>,
    Path(id): Path<CampaignId>,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<PageBody<RecipientBody>>, Problem> {
    // The cursor of this list is a place in the campaign, in the form that all cursors have.
    let after = page.after.map_or(0, |Cursor(place)| i32::try_from(place.as_u128()).unwrap_or(i32::MAX));
    let states: Vec<MessageState> = filter.state.into_iter().collect();
    let mut tx = tenant.begin().await?;
    service::find(&mut tx, id).await?;
    let rows = recipients::page(&mut tx, id, &states, filter.reason.as_deref(), after, page.limit + 1).await?;
    tx.commit().await?;
    let rows = Page::from_rows(rows, page, |row| Uuid::from_u128(u128::from(row.seq.unsigned_abs())));
    Ok(Json(PageBody::of(rows)))
}
