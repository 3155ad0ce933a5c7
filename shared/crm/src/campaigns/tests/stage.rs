//! An organization with a connected number, an approved template, contacts, and a launched campaign.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use db::{Db, LedgerPool, testing::TestDatabase};
use kernel::{CampaignId, ChannelId, Clock, OrganizationId, SystemClock, TemplateId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    campaigns::{
        Settings,
        ledger::{self, Chunk, Claim, ClaimRequest, Outcome, OutcomeRow, PlannedRow},
        model::{Audience, CampaignDraft, MessageState, UnknownPolicy, VariableSource},
        service,
    },
    lanes::{self, LaneKey},
};

pub(super) const LEASE: Duration = Duration::from_secs(10);

pub(super) struct Stage {
    pub(super) database: TestDatabase,
    pub(super) db: Db,
    pub(super) pool: LedgerPool,
    pub(super) owner: PgConnection,
    pub(super) organization: OrganizationId,
    pub(super) channel: ChannelId,
    pub(super) template: TemplateId,
}

/// A worker that holds the lane.
#[derive(Clone, Copy)]
pub(super) struct Holder {
    pub(super) worker: Uuid,
    pub(super) fence: i64,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let (db, pool, mut owner) = (database.db(), database.ledger(), database.owner().await);
        let now = SystemClock.now();
        let (organization, channel, template) = (OrganizationId::at(now), ChannelId::at(now), TemplateId::at(now));
        sqlx::query("insert into organizations (id, name, slug, created_at, updated_at) values ($1, 'Acme', 'acme', $2, $2)")
            .bind(organization)
            .bind(now)
            .execute(&mut owner)
            .await
            .unwrap();
        sqlx::query(
            "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token,
                                   messages_per_second, created_at, updated_at)
             values ($1, $2, 'cloudApi', 'Main', '1001', '2001', 'connected', '', 80, $3, $3)",
        )
        .bind(organization)
        .bind(channel)
        .bind(now)
        .execute(&mut owner)
        .await
        .unwrap();
        let components = json!([{ "type": "BODY", "text": "Hello {{1}}, enjoy {{2}} off.", "example": { "body_text": [["Ada", "20%"]] } }]);
        sqlx::query(
            "insert into templates (organization_id, id, channel_id, business_account_id, name, language, category, parameter_format,
                                    components, status, provider_id, created_at, updated_at)
             values ($1, $2, $3, '2001', 'offer', 'en_US', 'MARKETING', 'POSITIONAL', $4, 'APPROVED', '701', $5, $5)",
        )
        .bind(organization)
        .bind(template)
        .bind(channel)
        .bind(components)
        .bind(now)
        .execute(&mut owner)
        .await
        .unwrap();
        let mut tx = db.tenant(organization).await.unwrap();
        lanes::create(&mut tx, organization, channel).await.unwrap();
        tx.commit().await.unwrap();
        Self { database, db, pool, owner, organization, channel, template }
    }

    pub(super) fn key(&self) -> LaneKey {
        LaneKey { organization: self.organization, channel: self.channel }
    }

    /// Adds `n` contacts with numbers of their own.
    pub(super) async fn contacts(&mut self, n: i32) {
        sqlx::query(
            "insert into contacts (organization_id, id, phone_number, name, opt_in, created_at, updated_at)
             select $1, gen_random_uuid(), '+1202555' || lpad(g::text, 7, '0'), 'Person ' || g, 'optedIn', now(), now()
             from generate_series(1, $2) g",
        )
        .bind(self.organization)
        .bind(n)
        .execute(&mut self.owner)
        .await
        .unwrap();
    }

    /// Launches a campaign to everybody and freezes it, as the job does.
    pub(super) async fn launch(&self, policy: UnknownPolicy) -> CampaignId {
        self.launch_draft(self.draft(policy)).await
    }

    /// A campaign to everybody.
    pub(super) fn draft(&self, policy: UnknownPolicy) -> CampaignDraft {
        CampaignDraft {
            name: "Spring".into(),
            channel: self.channel,
            template: self.template,
            audience: Audience { all: true, ..Audience::default() },
            variables: BTreeMap::from([
                ("1".into(), VariableSource { field: Some("name".into()), fallback: None, value: None }),
                ("2".into(), VariableSource { field: None, fallback: None, value: Some("20%".into()) }),
            ]),
            unknown_policy: policy,
            messages_per_second: None,
        }
    }

    /// Launches this campaign and freezes it.
    pub(super) async fn launch_draft(&self, draft: CampaignDraft) -> CampaignId {
        let mut tx = self.db.tenant(self.organization).await.unwrap();
        let campaign = service::create(&mut tx, &SystemClock, draft).await.unwrap().id;
        service::launch(&mut tx, &SystemClock, campaign).await.unwrap();
        tx.commit().await.unwrap();
        let settings = Settings { unknown_grace: Duration::ZERO, authentication_grace: Duration::ZERO };
        let mut tx = self.db.tenant(self.organization).await.unwrap();
        service::prepare(&mut tx, &SystemClock, settings, campaign).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = self.db.tenant(self.organization).await.unwrap();
        service::analyze_ledger(&mut tx, campaign).await.unwrap();
        service::start(&mut tx, &SystemClock, campaign).await.unwrap();
        tx.commit().await.unwrap();
        campaign
    }

    /// Another worker takes the lane, whoever holds it: the former owner's lease is made to have run out.
    pub(super) async fn take_over(&mut self) -> Holder {
        sqlx::query("update lanes set lease_until = clock_timestamp() - interval '1 s' where owner is not null")
            .execute(&mut self.owner)
            .await
            .unwrap();
        let worker = Uuid::now_v7();
        let taken = lanes::take(&self.pool, worker, LEASE, 10).await.unwrap();
        assert_eq!(taken.len(), 1);
        Holder { worker, fence: taken[0].fence }
    }

    pub(super) async fn rows(&self, campaign: CampaignId) -> Vec<PlannedRow> {
        let mut rows = Vec::new();
        for chunk in ledger::open_chunks(&self.pool, self.key(), campaign, -1, 100).await.unwrap() {
            rows.extend(self.read(campaign, chunk).await);
        }
        rows
    }

    async fn read(&self, campaign: CampaignId, chunk: Chunk) -> Vec<PlannedRow> {
        ledger::read_chunk(&self.pool, self.key(), campaign, chunk).await.unwrap()
    }

    pub(super) async fn claim(&self, holder: Holder, campaign: CampaignId, rows: &[PlannedRow], nonce: i64) -> Vec<Claim> {
        claim(&self.pool, self.key(), holder, campaign, rows, nonce).await
    }

    pub(super) fn outcome(&self, campaign: CampaignId, row: &PlannedRow, nonce: i64, outcome: Outcome) -> OutcomeRow {
        OutcomeRow { lane: self.key(), campaign, seq: row.seq, attempt_no: row.attempt_no, nonce, outcome }
    }

    pub(super) async fn record(&self, rows: &[OutcomeRow]) -> u64 {
        ledger::record(&self.pool, rows).await.unwrap()
    }

    pub(super) async fn state(&mut self, campaign: CampaignId, seq: i32) -> MessageState {
        let code: i16 = sqlx::query_scalar("select state from campaign_messages where campaign_id = $1 and seq = $2")
            .bind(campaign)
            .bind(seq)
            .fetch_one(&mut self.owner)
            .await
            .unwrap();
        MessageState::from_code(code, seq).unwrap()
    }

    pub(super) async fn due(&mut self, campaign: CampaignId) -> Vec<(i32, String, DateTime<Utc>)> {
        sqlx::query_as("select seq, kind, not_before from campaign_due where campaign_id = $1 order by seq")
            .bind(campaign)
            .fetch_all(&mut self.owner)
            .await
            .unwrap()
    }

    /// Asserts that the counters say what the rows say.
    pub(super) async fn assert_counters(&mut self, campaign: CampaignId) {
        let mut tx = self.db.tenant(self.organization).await.unwrap();
        let (_, counters) = service::counters(&mut tx, campaign).await.unwrap();
        let rows: Vec<(i16, i64)> = sqlx::query_as("select state, count(*) from campaign_messages where campaign_id = $1 group by state")
            .bind(campaign)
            .fetch_all(&mut self.owner)
            .await
            .unwrap();
        for state in MessageState::ALL {
            let counted = rows.iter().find(|(code, _)| *code == state.code()).map_or(0, |(_, n)| *n);
            assert_eq!(counters.of(state), counted, "{state:?}");
        }
    }
}

pub(super) async fn claim(
    pool: &LedgerPool,
    lane: LaneKey,
    holder: Holder,
    campaign: CampaignId,
    rows: &[PlannedRow],
    nonce: i64,
) -> Vec<Claim> {
    let seqs: Vec<i32> = rows.iter().map(|row| row.seq).collect();
    let attempt_nos: Vec<i16> = rows.iter().map(|row| row.attempt_no).collect();
    let addresses: Vec<String> = rows.iter().map(|row| row.address.clone()).collect();
    let request = ClaimRequest {
        lane,
        owner: holder.worker,
        fence: holder.fence,
        campaign,
        nonce,
        seqs: &seqs,
        attempt_nos: &attempt_nos,
        addresses: &addresses,
    };
    ledger::claim(pool, &request).await.unwrap()
}
