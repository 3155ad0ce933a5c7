//! What both ledgers say about a campaign, read when nothing is under way any more.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use kernel::AttemptId;
use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};

use super::{
    journey::{Campaign, Tenant},
    logs::{self, LogFindings},
    provider::Provider,
    webhooks,
};
use crate::processes::Stack;
use crate::wait::{self, Look};

/// How long the last statuses may take to be told and applied.
const SETTLING: Duration = Duration::from_mins(1);

/// An executed send of the campaign.
#[derive(Clone, Debug)]
pub struct Executed {
    /// What our side called it.
    pub attempt: AttemptId,
    /// The person, E.164.
    pub to: String,
    /// The number it was sent from.
    pub phone_number_id: String,
    /// The provider's id.
    pub wamid: String,
    /// When, by the provider's clock.
    pub time: DateTime<Utc>,
}

/// A row of the campaign's ledger.
#[derive(Clone, Debug)]
pub struct MessageRow {
    /// State, as stored.
    pub state: i16,
    /// The current attempt.
    pub attempt_no: i16,
    /// Its nonce.
    pub nonce: Option<i64>,
    /// The person, E.164.
    pub address: Option<String>,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// Whether a second execution is suspected.
    pub duplicate_suspected: bool,
}

/// Both ledgers and the figures that were shown.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The campaign and whom it was for.
    pub campaign: Campaign,
    /// The number it had to be sent from.
    pub phone_number_id: String,
    /// Its state in the end.
    pub state: String,
    /// The provider's ledger, oldest first.
    pub executed: Vec<Executed>,
    /// The database's ledger, by place.
    pub rows: BTreeMap<i32, MessageRow>,
    /// Greatest status that our side took, by attempt.
    pub acknowledged: HashMap<AttemptId, i16>,
    /// Counters, deltas included, by state.
    pub counters: BTreeMap<i16, i64>,
    /// What the API showed.
    pub analytics: Value,
    /// Entries in the list of what is not settled.
    pub due: i64,
    /// Jobs that are claimed or dead, by kind and state.
    pub jobs: Vec<String>,
    /// Webhook bodies that were not applied.
    pub unapplied: i64,
    /// What the logs say, of all campaigns of the stack.
    pub logs: LogFindings,
    /// Programs that ended by themselves.
    pub ended: Vec<String>,
}

impl Evidence {
    /// Waits until the last status was told and applied, then reads everything.
    ///
    /// # Errors
    /// When one of the ledgers cannot be read, or statuses are not taken.
    pub async fn gather(stack: &mut Stack, tenant: &Tenant, campaign: &Campaign) -> anyhow::Result<Self> {
        let provider = Provider::at(&stack.simulator_url())?;
        provider.wait_until_told(SETTLING).await?;
        let mut connection = stack.postgres().connect().await?;
        wait_until_applied(&mut connection).await?;
        let executed = provider.ledger().await?.into_iter().filter_map(|entry| {
            let attempt = entry.opaque_data.as_deref().and_then(AttemptId::decode)?;
            let executed = Executed { attempt, to: entry.to, phone_number_id: entry.phone_number_id, wamid: entry.wamid, time: entry.time };
            (attempt.id == campaign.id).then_some(executed)
        });
        let executed = executed.collect();
        let analytics = tenant.analytics(campaign.id).await?;
        let id = campaign.id;
        let state = sqlx::query_scalar("select state from campaigns where id = $1").bind(id).fetch_one(&mut connection).await?;
        let rows = sqlx::query(
            "select m.seq, m.state, m.attempt_no, m.nonce, m.provider_id, m.duplicate_suspected, r.address
             from campaign_messages m
             join campaign_recipients r using (organization_id, campaign_id, seq)
             where m.campaign_id = $1",
        )
        .bind(id)
        .fetch_all(&mut connection)
        .await
        .context("cannot read the ledger")?;
        let rows = rows
            .iter()
            .map(|row| {
                let message = MessageRow {
                    state: row.try_get("state")?,
                    attempt_no: row.try_get("attempt_no")?,
                    nonce: row.try_get("nonce")?,
                    address: row.try_get("address")?,
                    provider_id: row.try_get("provider_id")?,
                    duplicate_suspected: row.try_get("duplicate_suspected")?,
                };
                Ok((row.try_get("seq")?, message))
            })
            .collect::<Result<_, sqlx::Error>>()
            .context("cannot read a row of the ledger")?;
        let counters: Vec<(i16, i64)> = sqlx::query_as(
            "select state, sum(n)::bigint
             from (
                select state, n from campaign_counters where campaign_id = $1
                union all
                select to_state, n from campaign_counter_deltas where campaign_id = $1
                union all
                select from_state, -n from campaign_counter_deltas where campaign_id = $1
             ) moves
             group by state
             having sum(n) <> 0",
        )
        .bind(id)
        .fetch_all(&mut connection)
        .await
        .context("cannot read the counters")?;
        let due =
            sqlx::query_scalar("select count(*) from campaign_due where campaign_id = $1").bind(id).fetch_one(&mut connection).await?;
        // A job that runs at this moment is no job left behind: its claim has a future.
        let jobs = sqlx::query_scalar(
            "select kind || ' is ' || state || coalesce(': ' || last_error, '') from jobs
             where state = 'dead' or (state = 'running' and lease_until < clock_timestamp() - interval '30 s')",
        )
        .fetch_all(&mut connection)
        .await
        .context("cannot read the jobs")?;
        let unapplied = sqlx::query_scalar("select count(*) from webhook_pending").fetch_one(&mut connection).await?;
        connection.close().await.context("cannot close the connection")?;
        Ok(Self {
            campaign: campaign.clone(),
            phone_number_id: tenant.phone_number_id.clone(),
            state,
            executed,
            rows,
            acknowledged: webhooks::acknowledged(&stack.webhook_log()).context("cannot read the log of webhooks")?,
            counters: counters.into_iter().collect(),
            analytics,
            due,
            jobs,
            unapplied,
            logs: logs::scan(&stack.logs(), stack.postgres().was_hurt()).context("cannot read the logs")?,
            ended: stack.unexpected_ends(),
        })
    }

    /// Rows in one of these states.
    pub fn count(&self, states: &[i16]) -> usize {
        self.rows.values().filter(|row| states.contains(&row.state)).count()
    }

    /// Places with an executed send.
    pub fn executed_places(&self) -> BTreeSet<i32> {
        self.executed.iter().map(|executed| executed.attempt.seq).collect()
    }
}

async fn wait_until_applied(connection: &mut PgConnection) -> anyhow::Result<()> {
    wait::until(SETTLING, async || {
        let pending: i64 = sqlx::query_scalar("select count(*) from webhook_pending").fetch_one(&mut *connection).await?;
        Ok(if pending == 0 { Look::There(()) } else { Look::NotYet(format!("{pending} webhook bodies are not applied")) })
    })
    .await
}
