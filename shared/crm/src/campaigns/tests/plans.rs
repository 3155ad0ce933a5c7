//! No statement that runs while a campaign is sent may scan a ledger table, whatever it is prepared on. (Ending and cancelling are not walked here.)
//!
//! The statements are run once on each size, with generic and with custom plans, and the server's access counters tell whether a sequential scan
//! began on any ledger table.

use std::time::Duration;

use super::stage::Stage;
use crate::campaigns::{
    ledger::{self, Outcome, PlannedRow},
    model::UnknownPolicy,
};

/// Tables that must never be scanned, partitions included.
const LEDGER: &str = "relname ~ '^campaign_(recipients|messages|chunks|due|attempts|runs)'";

async fn sequential_scans(stage: &mut Stage) -> i64 {
    sqlx::query("select pg_stat_clear_snapshot()").execute(&mut stage.owner).await.unwrap();
    let statement = format!("select coalesce(sum(seq_scan), 0)::bigint from pg_stat_user_tables where {LEDGER}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&mut stage.owner).await.unwrap()
}

/// Runs each statement of claiming, recording, rescuing, settling and walking once, on connections of their own that are closed afterwards.
async fn walk(stage: &mut Stage, campaign: kernel::CampaignId, plan: &str) {
    let holder = stage.take_over().await;
    stage.pool = stage.database.ledger_with(&[("plan_cache_mode", plan)]);
    let (pool, key) = (stage.pool.clone(), stage.key());
    let chunks = ledger::open_chunks(&pool, key, campaign, -1, 2).await.unwrap();
    let mut rows = Vec::new();
    for chunk in &chunks {
        rows.extend(ledger::read_chunk(&pool, key, campaign, *chunk).await.unwrap());
    }
    rows.truncate(20);
    if rows.is_empty() {
        // On an empty ledger the statements are planned all the same.
        rows = (1..=20).map(made_up).collect();
    }
    stage.claim(holder, campaign, &rows, 1).await;
    let outcomes: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let outcome = match index % 4 {
                0 => Outcome::Unknown { reason: "no answer".into(), grace_s: 0.0 },
                1 => Outcome::NotWritten { delay_s: 0.0 },
                2 => Outcome::Failed { code: Some(131_026), reason: "undeliverable".into() },
                _ => Outcome::Accepted { provider_id: format!("wamid.{index}") },
            };
            stage.outcome(campaign, row, 1, outcome)
        })
        .collect();
    stage.record(&outcomes).await;
    ledger::census(&pool, key, campaign, &[0, 1]).await.unwrap();
    ledger::rescue(&pool, key, campaign, holder.fence, 0.0).await.unwrap();
    ledger::due_rows(&pool, key, 100).await.unwrap();
    ledger::next_due(&pool, key, true).await.unwrap();
    ledger::settle_unknown(&pool, key, 100).await.unwrap();
    ledger::open_runs(&pool, key).await.unwrap();
    pool.close().await;
    stage.pool = stage.database.ledger();
}

fn made_up(seq: i32) -> PlannedRow {
    PlannedRow {
        seq,
        attempt_no: 1,
        retries: 0,
        address: String::new(),
        variables: Vec::new(),
        contact: kernel::ContactId::from(uuid::Uuid::nil()),
    }
}

/// Waits until the sessions of an application have ended: a session has reported its counters by then.
async fn sessions_ended(stage: &mut Stage, application: &str) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let sessions: i64 =
            sqlx::query_scalar("select count(*) from pg_stat_activity where datname = current_database() and application_name = $1")
                .bind(application)
                .fetch_one(&mut stage.owner)
                .await
                .unwrap();
        if sessions == 0 {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "the sessions never ended");
        tokio::task::yield_now().await;
    }
}

async fn assert_no_scan(audience: i32) {
    let mut stage = Stage::new().await;
    stage.contacts(audience.max(1)).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    // Freezing may scan; its sessions must have told before anything is measured.
    stage.db.close().await;
    sessions_ended(&mut stage, "test").await;
    let campaign = if audience == 0 {
        // The tables exist and are empty: where a plan is a trap.
        sqlx::query("truncate campaign_messages, campaign_recipients, campaign_chunks, campaign_due")
            .execute(&mut stage.owner)
            .await
            .unwrap();
        campaign
    } else {
        campaign
    };
    for plan in ["force_generic_plan", "force_custom_plan"] {
        let before = sequential_scans(&mut stage).await;
        walk(&mut stage, campaign, plan).await;
        sessions_ended(&mut stage, "test-plans").await;
        assert_eq!(sequential_scans(&mut stage).await, before, "{plan}, {audience} recipients");
    }
    let before = sequential_scans(&mut stage).await;
    let scanning = stage.database.ledger_with(&[
        ("enable_seqscan", "on"),
        ("enable_indexscan", "off"),
        ("enable_indexonlyscan", "off"),
        ("enable_bitmapscan", "off"),
    ]);
    ledger::open_chunks(&scanning, stage.key(), campaign, -1, 2).await.unwrap();
    scanning.close().await;
    sessions_ended(&mut stage, "test-plans").await;
    assert!(sequential_scans(&mut stage).await > before, "the counters would have shown a scan");
}

#[tokio::test]
async fn on_an_empty_ledger() {
    assert_no_scan(0).await;
}

#[tokio::test]
async fn on_five_thousand_recipients() {
    assert_no_scan(5_000).await;
}

#[tokio::test]
async fn on_a_million_recipients() {
    assert_no_scan(1_000_000).await;
}
