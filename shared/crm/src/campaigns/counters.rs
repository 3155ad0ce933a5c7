//! How many people are in which state: rolled-up counters plus the deltas since.

use db::{DbError, TenantTx};
use kernel::CampaignId;

use super::model::MessageState;

/// Counts of a campaign's rows by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([i64; MessageState::ALL.len()]);

impl Counters {
    /// Rows in `state`.
    pub fn of(&self, state: MessageState) -> i64 {
        MessageState::ALL.iter().position(|each| *each == state).map_or(0, |index| self.0[index])
    }

    /// All rows.
    pub fn audience(&self) -> i64 {
        self.0.iter().sum()
    }

    /// Rows that the provider took: accepted, sent, delivered or read. A failure after acceptance is counted as failed.
    pub fn accepted_or_better(&self) -> i64 {
        MessageState::TAKEN.into_iter().map(|state| self.of(state)).sum()
    }
}

/// Reads the counters of one campaign in one snapshot.
pub(super) async fn read(tx: &mut TenantTx, id: CampaignId) -> Result<Counters, DbError> {
    let rows = sqlx::query!(
        r#"select state as "state!", sum(n)::bigint as "n!"
        from (
            select state, n from campaign_counters where campaign_id = $1
            union all
            select to_state, n from campaign_counter_deltas where campaign_id = $1
            union all
            select from_state, -n from campaign_counter_deltas where campaign_id = $1
        ) moves
        group by state"#,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut counters = Counters::default();
    for row in rows {
        let state = MessageState::from_code(row.state, 0)?;
        if let Some(index) = MessageState::ALL.iter().position(|each| *each == state) {
            counters.0[index] = row.n;
        }
    }
    Ok(counters)
}
