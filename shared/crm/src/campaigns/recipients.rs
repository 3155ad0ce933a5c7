//! What happened to each person of a campaign.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{CampaignId, ContactId};

use super::model::MessageState;

/// One person's row.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Place in the campaign.
    pub seq: i32,
    /// The person.
    pub contact: ContactId,
    /// Where the message went; none when there was no address or it was erased.
    pub address: Option<String>,
    /// Where it stands.
    pub state: MessageState,
    /// Number of the current attempt, or of the next one while planned or held.
    pub attempt_no: i16,
    /// Why it was skipped, held, refused or lost.
    pub reason: Option<String>,
    /// The provider's code of the last refusal.
    pub error_code: Option<i32>,
    /// The provider's id of the message.
    pub provider_id: Option<String>,
    /// When the intent was committed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When the provider took it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it left the provider.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it reached the device.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was opened.
    pub read_at: Option<DateTime<Utc>>,
    /// When it failed.
    pub failed_at: Option<DateTime<Utc>>,
}

/// A page of the ledger in the order of sending, behind place `after`.
pub async fn page(
    tx: &mut TenantTx,
    campaign: CampaignId,
    states: &[MessageState],
    reason: Option<&str>,
    after: i32,
    limit: i64,
) -> Result<Vec<Recipient>, DbError> {
    let states: Vec<i16> = states.iter().map(|state| state.code()).collect();
    let rows = sqlx::query!(
        r#"select m.seq, r.contact_id, r.address, m.state, m.attempt_no, m.reason, m.error_code, m.provider_id,
                  m.claimed_at, m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at
        from campaign_messages m
        join campaign_recipients r on r.organization_id = m.organization_id and r.campaign_id = m.campaign_id and r.seq = m.seq
        where m.campaign_id = $1 and m.seq > $2 and (cardinality($3::smallint[]) = 0 or m.state = any($3)) and ($4::text is null or m.reason = $4)
        order by m.seq
        limit $5"#,
        campaign as _,
        after,
        &states,
        reason,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Recipient {
                seq: row.seq,
                contact: row.contact_id.into(),
                address: row.address,
                state: MessageState::from_code(row.state, row.seq)?,
                attempt_no: row.attempt_no,
                reason: row.reason,
                error_code: row.error_code,
                provider_id: row.provider_id,
                claimed_at: row.claimed_at,
                accepted_at: row.accepted_at,
                sent_at: row.sent_at,
                delivered_at: row.delivered_at,
                read_at: row.read_at,
                failed_at: row.failed_at,
            })
        })
        .collect()
}
