//! No statement of the sending path may ever scan a ledger table, whatever it is prepared on.
//!
//! PostgreSQL is asked to log the plan of every statement of the ledger's connections (auto_explain is not needed: the statements are run once on
//! each size and the table access counters tell whether a sequential scan began).

use super::stage::Stage;
use crate::campaigns::{
    ledger::{self, Outcome},
    model::UnknownPolicy,
};

/// Tables that must never be scanned, partitions included.
const LEDGER: &str = "relname ~ '^campaign_(recipients|messages|chunks|due|attempts|runs)'";

async fn sequential_scans(stage: &mut Stage) -> i64 {
    // The counters of a session become visible when it is idle; ask the server to flush by ending the ledger's sessions.
    sqlx::query("select pg_stat_clear_snapshot()").execute(&mut stage.owner).await.unwrap();
    let statement = format!("select coalesce(sum(seq_scan), 0)::bigint from pg_stat_user_tables where {LEDGER}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&mut stage.owner).await.unwrap()
}

/// Runs every statement of the sending path once, on connections of their own that are closed afterwards.
async fn walk(stage: &mut Stage, campaign: kernel::CampaignId, plan: &str) {
    let holder = stage.take_over().await;
    stage.pool = stage.database.ledger_with(&[("plan_cache_mode", plan)]);
    let (pool, key) = (stage.pool.clone(), stage.key());
    let chunks = ledger::open_chunks(&pool, key, campaign, -1, 2).await.unwrap();
    if let Some(chunk) = chunks.first() {
        let rows = ledger::read_chunk(&pool, key, campaign, *chunk).await.unwrap();
        let slice = &rows[..rows.len().min(20)];
        stage.claim(holder, campaign, slice, 1).await;
        let outcomes: Vec<_> = slice
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
        ledger::census(&pool, key, campaign, &[chunk.no]).await.unwrap();
    } else {
        stage.record(&[]).await;
    }
    ledger::rescue(&pool, key, campaign, holder.fence, 0.0).await.unwrap();
    ledger::due_rows(&pool, key, 100).await.unwrap();
    ledger::next_due(&pool, key).await.unwrap();
    ledger::settle_unknown(&pool, key, 100).await.unwrap();
    ledger::open_runs(&pool, key).await.unwrap();
    pool.close().await;
    stage.pool = stage.database.ledger();
}

async fn assert_no_scan(audience: i32) {
    let mut stage = Stage::new().await;
    stage.contacts(audience.max(1)).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let campaign = if audience == 0 {
        // The tables exist and are empty: where a plan is a trap.
        sqlx::query("truncate campaign_messages, campaign_recipients, campaign_chunks, campaign_due").execute(&mut stage.owner).await.unwrap();
        campaign
    } else {
        campaign
    };
    for plan in ["force_generic_plan", "force_custom_plan"] {
        let before = sequential_scans(&mut stage).await;
        walk(&mut stage, campaign, plan).await;
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(2);
        // Closed sessions have reported by the time their backend is gone.
        while tokio::time::Instant::now() < deadline {
            let sessions: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'test-plans'",
            )
            .fetch_one(&mut stage.owner)
            .await
            .unwrap();
            if sessions == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(sequential_scans(&mut stage).await, before, "{plan}, {audience} recipients");
    }
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
