//! A campaign in the middle of being sent, written straight into the ledger, and what the provider would say about it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::testing::TestDatabase;
use kernel::{AttemptId, CampaignId, ChannelId, Clock, OrganizationId, SystemClock, attempt::AttemptKind};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::webhooks::Folder;

pub(super) const NONCE: i64 = 77;
pub(super) const CLAIMED: i16 = 2;
pub(super) const UNKNOWN: i16 = 3;
pub(super) const UNCONFIRMED: i16 = 4;
pub(super) const ACCEPTED: i16 = 5;
pub(super) const SENT: i16 = 6;
pub(super) const FAILED: i16 = 7;
pub(super) const DELIVERED: i16 = 8;
pub(super) const READ: i16 = 9;

/// An organization with one number and one campaign on it.
pub(super) struct Sender {
    pub(super) organization: OrganizationId,
    pub(super) channel: ChannelId,
    pub(super) number: String,
    pub(super) account: String,
    pub(super) campaign: CampaignId,
}

pub(super) struct Fixture {
    pub(super) database: TestDatabase,
    pub(super) owner: PgConnection,
}

/// A row of the ledger, as far as statuses matter to it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) seq: i32,
    pub(super) state: i16,
    pub(super) attempt_no: i16,
    pub(super) nonce: Option<i64>,
    pub(super) duplicate_suspected: bool,
    pub(super) error_code: Option<i32>,
    pub(super) accepted_at: Option<DateTime<Utc>>,
    pub(super) sent_at: Option<DateTime<Utc>>,
    pub(super) delivered_at: Option<DateTime<Utc>>,
    pub(super) read_at: Option<DateTime<Utc>>,
    pub(super) failed_at: Option<DateTime<Utc>>,
    pub(super) provider_id: Option<String>,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let owner = database.owner().await;
        Self { database, owner }
    }

    pub(super) fn folder(&self) -> Folder {
        Folder::new(self.database.db(), &db::DbOptions::new(self.database.app_url(), "test"))
    }

    /// A sender whose `rows` messages are all in `state`, first attempt.
    pub(super) async fn sender(&mut self, rows: i32, state: i16) -> Sender {
        let now = SystemClock.now();
        let number = format!("{}", rand::random_range(1_000_000_000_u64..9_999_999_999));
        let sender = Sender {
            organization: OrganizationId::at(now),
            channel: ChannelId::at(now),
            account: format!("8{number}"),
            number,
            campaign: CampaignId::at(now),
        };
        sqlx::query("insert into organizations (id, name, slug, created_at, updated_at) values ($1, 'Acme', $2, now(), now())")
            .bind(sender.organization)
            .bind(format!("acme-{}", sender.number))
            .execute(&mut self.owner)
            .await
            .unwrap();
        sqlx::query(
            "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token, messages_per_second, created_at, updated_at)
             values ($1, $2, 'cloudApi', 'Main', $3, $4, 'connected', ''::bytea, 80, now(), now())",
        )
        .bind(sender.organization)
        .bind(sender.channel)
        .bind(&sender.number)
        .bind(&sender.account)
        .execute(&mut self.owner)
        .await
        .unwrap();
        self.campaign(&sender, sender.campaign, rows, state).await;
        sender
    }

    /// A campaign of `sender`.
    pub(super) async fn campaign(&mut self, sender: &Sender, campaign: CampaignId, rows: i32, state: i16) {
        sqlx::query(
            "insert into campaign_runs (organization_id, campaign_id, channel_id, phone_number_id, state, category, content, unknown_policy, grace_seconds, audience, launched_at)
             values ($1, $2, $3, $4, 'running', 'MARKETING', '{}', 'giveUp', 600, $5, now())",
        )
        .bind(sender.organization)
        .bind(campaign)
        .bind(sender.channel)
        .bind(&sender.number)
        .bind(rows)
        .execute(&mut self.owner)
        .await
        .unwrap();
        sqlx::query(
            "insert into campaign_messages (organization_id, campaign_id, seq, state, nonce, fence, claimed_at)
             select $1, $2, seq, $3, $4, 1, now() from generate_series(1, $5) seq",
        )
        .bind(sender.organization)
        .bind(campaign)
        .bind(state)
        .bind(NONCE)
        .bind(rows)
        .execute(&mut self.owner)
        .await
        .unwrap();
        sqlx::query("insert into campaign_counters (organization_id, campaign_id, state, n) values ($1, $2, $3, $4)")
            .bind(sender.organization)
            .bind(campaign)
            .bind(state)
            .bind(rows)
            .execute(&mut self.owner)
            .await
            .unwrap();
    }

    /// Puts bodies into the raw store, as intake does.
    pub(super) async fn receive<B: Into<Vec<u8>>>(&mut self, bodies: impl IntoIterator<Item = B>) {
        let bodies: Vec<Vec<u8>> = bodies.into_iter().map(Into::into).collect();
        let ids: Vec<Uuid> = bodies.iter().map(|_| Uuid::now_v7()).collect();
        sqlx::query(
            "with stored as (
                insert into webhook_events (id, app, body) select id, 0, body from unnest($1::uuid[], $2::bytea[]) as given (id, body)
                returning id, received_at
             )
             insert into webhook_pending (id, received_at) select id, received_at from stored",
        )
        .bind(ids)
        .bind(bodies)
        .execute(&mut self.owner)
        .await
        .unwrap();
    }

    pub(super) async fn rows(&mut self, sender: &Sender) -> Vec<Row> {
        sqlx::query_as(
            "select seq, state, attempt_no, nonce, duplicate_suspected, error_code, accepted_at, sent_at, delivered_at, read_at, failed_at, provider_id
             from campaign_messages where campaign_id = $1 order by seq",
        )
        .bind(sender.campaign)
        .fetch_all(&mut self.owner)
        .await
        .unwrap()
    }

    /// Fails when the counters, moved by the deltas, are not what a recount finds.
    pub(super) async fn check_counters(&mut self, sender: &Sender) {
        let recount: Vec<(i16, i64)> =
            sqlx::query_as("select state, count(*) from campaign_messages where campaign_id = $1 group by state order by state")
                .bind(sender.campaign)
                .fetch_all(&mut self.owner)
                .await
                .unwrap();
        let counted: Vec<(i16, i64)> = sqlx::query_as(
            "select state, sum(n) from (
                select state, n from campaign_counters where campaign_id = $1
                union all select to_state, n from campaign_counter_deltas where campaign_id = $1
                union all select from_state, -n from campaign_counter_deltas where campaign_id = $1
             ) moves group by state having sum(n) <> 0 order by state",
        )
        .bind(sender.campaign)
        .fetch_all(&mut self.owner)
        .await
        .unwrap();
        assert_eq!(recount, counted, "the counters differ from the recount");
    }

    /// How many outcomes there are in each state.
    pub(super) async fn outcomes(&mut self) -> BTreeMap<String, i64> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("select state, count(*) from webhook_outcomes group by state").fetch_all(&mut self.owner).await.unwrap();
        rows.into_iter().collect()
    }

    pub(super) async fn count(&mut self, table_and_condition: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table_and_condition}")))
            .fetch_one(&mut self.owner)
            .await
            .unwrap()
    }

    pub(super) async fn execute(&mut self, statement: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut self.owner).await.unwrap();
    }
}

impl Sender {
    /// The id of an attempt as it travels.
    pub(super) fn opaque(&self, seq: i32, attempt_no: i16, nonce: i64) -> String {
        AttemptId { kind: AttemptKind::Campaign, id: self.campaign.uuid(), seq, attempt_no, nonce }.encode()
    }

    /// A status of the first attempt of a row.
    pub(super) fn status(&self, seq: i32, word: &str, second: i64) -> Value {
        self.status_of(seq, 1, NONCE, word, second)
    }

    /// A status of any attempt of a row.
    pub(super) fn status_of(&self, seq: i32, attempt_no: i16, nonce: i64, word: &str, second: i64) -> Value {
        status(&self.opaque(seq, attempt_no, nonce), &format!("wamid.{seq}.{attempt_no}"), word, second)
    }

    /// A request for the sender's number.
    pub(super) fn body(&self, statuses: &[Value]) -> Vec<u8> {
        body(&self.account, &self.number, statuses)
    }
}

/// The instant that a status of that second carries.
pub(super) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
}

pub(super) fn status(opaque: &str, wamid: &str, word: &str, second: i64) -> Value {
    let mut status = json!({
        "id": wamid, "status": word, "timestamp": at(second).timestamp().to_string(), "recipient_id": "15550001111",
        "biz_opaque_callback_data": opaque,
    });
    if word == "failed" {
        status["errors"] =
            json!([{ "code": 131_049, "title": "not delivered", "message": "not delivered", "error_data": { "details": "ecosystem" } }]);
    }
    status
}

pub(super) fn body(account: &str, number: &str, statuses: &[Value]) -> Vec<u8> {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": account, "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550000000", "phone_number_id": number },
            "statuses": statuses,
        } }] }],
    })
    .to_string()
    .into_bytes()
}
