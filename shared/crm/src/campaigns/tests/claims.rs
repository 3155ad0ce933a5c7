//! W1: what an intent takes, and what it leaves alone.

use std::collections::BTreeSet;

use super::stage::{Stage, claim};
use crate::campaigns::{
    ledger::{Outcome, due_rows, next_due},
    model::{MessageState, UnknownPolicy},
    service,
};
use kernel::SystemClock;

#[tokio::test]
async fn two_sessions_racing_for_the_same_rows_get_disjoint_ones() {
    let mut stage = Stage::new().await;
    stage.contacts(400).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    for slice in rows.chunks(20) {
        let (key, slices) = (stage.key(), vec![slice.to_vec(); 4]);
        let mut racers = tokio::task::JoinSet::new();
        for (nonce, slice) in slices.into_iter().enumerate() {
            let pool = stage.pool.clone();
            racers.spawn(async move { claim(&pool, key, holder, campaign, &slice, i64::try_from(nonce).unwrap()).await });
        }
        let won: Vec<i32> = racers.join_all().await.into_iter().flatten().map(|claim| claim.seq).collect();
        assert_eq!(won.len(), 20, "every row is claimed by somebody, once");
        assert_eq!(won.iter().collect::<BTreeSet<_>>().len(), 20);
    }
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn a_paused_run_gives_nothing_out() {
    let mut stage = Stage::new().await;
    stage.contacts(3).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::pause(&mut tx, &SystemClock, campaign).await.unwrap();
    tx.commit().await.unwrap();
    assert!(stage.claim(holder, campaign, &rows, 1).await.is_empty());
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::resume(&mut tx, &SystemClock, campaign, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stage.claim(holder, campaign, &rows, 1).await.len(), 3);
}

#[tokio::test]
async fn a_lease_that_ran_out_gives_nothing_out() {
    let mut stage = Stage::new().await;
    stage.contacts(3).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    sqlx::query("update lanes set lease_until = clock_timestamp() - interval '1 ms'").execute(&mut stage.owner).await.unwrap();
    assert!(stage.claim(holder, campaign, &rows, 1).await.is_empty());
}

#[tokio::test]
async fn who_opted_out_after_the_launch_is_skipped_with_the_reason() {
    let mut stage = Stage::new().await;
    stage.contacts(3).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    sqlx::query("insert into contact_exceptions values ($1, $2, 'all', 'optedOut', now())")
        .bind(stage.organization)
        .bind(&rows[1].address)
        .execute(&mut stage.owner)
        .await
        .unwrap();
    let claims = stage.claim(holder, campaign, &rows, 1).await;
    let skipped: Vec<i32> = claims.iter().filter(|claim| claim.state == MessageState::Skipped).map(|claim| claim.seq).collect();
    assert_eq!(skipped, [rows[1].seq]);
    assert_eq!(claims.len(), 3, "every row named leaves planned");
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn a_retry_bumps_the_number_and_waits_its_time() {
    let mut stage = Stage::new().await;
    stage.contacts(2).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    stage.claim(holder, campaign, &rows, 1).await;
    let again = |delay_s| Outcome::Retry { code: Some(131_000), reason: "try again".into(), delay_s, charged: true, held: false };
    let outcomes = [stage.outcome(campaign, &rows[0], 1, again(0.0)), stage.outcome(campaign, &rows[1], 1, again(60.0))];
    assert_eq!(stage.record(&outcomes).await, 2);
    let due = due_rows(&stage.pool, stage.key(), 10).await.unwrap();
    assert_eq!(due.len(), 1, "the other one waits a minute");
    assert_eq!((due[0].row.attempt_no, due[0].row.retries), (2, 1));
    assert!(stage.rows(campaign).await.is_empty(), "rows that wait are off the straight path");
    // The row as it was read before the retry is not claimed any more.
    assert!(stage.claim(holder, campaign, &rows, 2).await.is_empty());
    assert_eq!(stage.claim(holder, campaign, &[due[0].row.clone()], 3).await.len(), 1);
    assert_eq!(stage.due(campaign).await[0].1, "inFlight", "a due row outlives its claim");
    let accepted = stage.outcome(campaign, &due[0].row, 3, Outcome::Accepted { provider_id: "wamid.1".into() });
    stage.record(&[accepted]).await;
    assert_eq!(stage.due(campaign).await.len(), 1, "the outcome deletes it");
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn an_outcome_that_is_stored_twice_counts_once() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    stage.claim(holder, campaign, &rows, 1).await;
    let retry = Outcome::Retry { code: Some(131_000), reason: "try again".into(), delay_s: 0.0, charged: true, held: false };
    let outcomes = [
        stage.outcome(campaign, &rows[0], 1, Outcome::Accepted { provider_id: "wamid.1".into() }),
        stage.outcome(campaign, &rows[1], 1, Outcome::Failed { code: Some(131_026), reason: "undeliverable".into() }),
        stage.outcome(campaign, &rows[2], 1, retry),
        stage.outcome(campaign, &rows[3], 1, Outcome::Unknown { reason: "no answer".into(), grace_s: 600.0 }),
    ];
    stage.record(&outcomes).await;
    let due = stage.due(campaign).await;
    stage.record(&outcomes).await;
    assert_eq!(stage.due(campaign).await, due);
    let attempts: i64 = sqlx::query_scalar("select count(*) from campaign_attempts").fetch_one(&mut stage.owner).await.unwrap();
    assert_eq!(attempts, 2, "one for the failure, one for the refusal");
    let named: Vec<(String, i32)> = sqlx::query_as("select provider_id, seq from provider_ids").fetch_all(&mut stage.owner).await.unwrap();
    assert_eq!(named, [("wamid.1".to_owned(), rows[0].seq)], "a status without our id finds the row");
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn a_number_that_cannot_send_waits_only_for_what_it_can_settle() {
    let mut stage = Stage::new().await;
    stage.contacts(2).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let (rows, key) = (stage.rows(campaign).await, stage.key());
    stage.claim(holder, campaign, &rows, 1).await;
    stage.record(&[stage.outcome(campaign, &rows[0], 1, Outcome::NotWritten { delay_s: 0.0 })]).await;
    stage.record(&[stage.outcome(campaign, &rows[1], 1, Outcome::Unknown { reason: "no answer".into(), grace_s: 600.0 })]).await;
    let (_, seconds) = next_due(&stage.pool, key, true).await.unwrap().unwrap();
    assert!(seconds <= 0.0, "a row waits to be sent again");
    let (_, seconds) = next_due(&stage.pool, key, false).await.unwrap().unwrap();
    assert!(seconds > 500.0, "it is no reason to look while the number cannot send");
}
