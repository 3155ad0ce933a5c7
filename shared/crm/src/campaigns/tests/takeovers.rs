//! W3 and W4: hand-overs between workers.

use std::time::Duration;

use kernel::SystemClock;
use sqlx::Connection;

use super::stage::{Stage, claim};
use crate::{
    campaigns::{
        ledger::{Finish, Outcome, cancel_batch, census, finish, rescue, settle_unknown},
        model::{MessageState, UnknownPolicy},
        service,
    },
    lanes,
};

#[tokio::test]
async fn what_the_old_owner_claimed_becomes_unknown_never_planned() {
    let mut stage = Stage::new().await;
    stage.contacts(5).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let old = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    stage.claim(old, campaign, &rows[..2], 1).await;
    let new = stage.take_over().await;
    assert_eq!(rescue(&stage.pool, stage.key(), campaign, new.fence, 60.0).await.unwrap(), 2);
    assert_eq!(stage.state(campaign, rows[0].seq).await, MessageState::Unknown);
    assert_eq!(stage.rows(campaign).await.len(), 3, "the others go on");
    assert!(stage.due(campaign).await.iter().all(|(_, kind, _)| kind == "unknown"));
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn a_result_that_comes_after_the_lease_was_lost_is_still_taken() {
    let mut stage = Stage::new().await;
    stage.contacts(2).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let old = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    stage.claim(old, campaign, &rows, 1).await;
    let new = stage.take_over().await;
    rescue(&stage.pool, stage.key(), campaign, new.fence, 60.0).await.unwrap();
    let late = [
        stage.outcome(campaign, &rows[0], 1, Outcome::Accepted { provider_id: "wamid.late".into() }),
        stage.outcome(campaign, &rows[1], 1, Outcome::NotWritten { delay_s: 0.0 }),
    ];
    assert_eq!(stage.record(&late).await, 2);
    assert_eq!(stage.state(campaign, rows[0].seq).await, MessageState::Accepted);
    assert_eq!(stage.state(campaign, rows[1].seq).await, MessageState::Planned, "known not to be written: sent by whoever owns the lane");
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn a_result_with_another_nonce_changes_nothing() {
    let mut stage = Stage::new().await;
    stage.contacts(1).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    stage.claim(holder, campaign, &rows, 1).await;
    let forged = stage.outcome(campaign, &rows[0], 2, Outcome::Accepted { provider_id: "wamid.forged".into() });
    assert_eq!(stage.record(&[forged]).await, 0);
    assert_eq!(stage.state(campaign, rows[0].seq).await, MessageState::Claimed);
}

/// The old owner's intent waits for a row lock while the lane changes hands; it commits after the new owner's first sweep.
#[tokio::test]
async fn an_intent_held_on_a_row_lock_across_a_takeover_ends_as_unknown() {
    let mut stage = Stage::new().await;
    stage.contacts(1).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let old = stage.take_over().await;
    let rows = stage.rows(campaign).await;

    let mut blocker = stage.database.owner().await;
    let mut lock = blocker.begin().await.unwrap();
    sqlx::query("select from campaign_messages where campaign_id = $1 for update").bind(campaign).execute(&mut *lock).await.unwrap();
    let (pool, key, slice) = (stage.pool.clone(), stage.key(), rows.clone());
    let held = tokio::spawn(async move { claim(&pool, key, old, campaign, &slice, 1).await });
    stage.database.until_blocked(1).await;

    let new = stage.take_over().await;
    assert_eq!(rescue(&stage.pool, key, campaign, new.fence, 0.0).await.unwrap(), 0, "the first sweep finds nothing");
    lock.rollback().await.unwrap();
    assert_eq!(held.await.unwrap().len(), 1, "the old intent commits late");

    let left = census(&stage.pool, key, campaign, &[0]).await.unwrap();
    assert!(!left[0].is_done(), "the chunk is not called done over it");
    assert_eq!(rescue(&stage.pool, key, campaign, new.fence, 0.0).await.unwrap(), 1, "the repeated sweep finds it");
    assert_eq!(stage.state(campaign, rows[0].seq).await, MessageState::Unknown);
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn a_lane_is_takeable_only_when_there_may_be_something_to_do() {
    let mut stage = Stage::new().await;
    let holder = stage.take_over().await;
    let rate = lanes::LaneRate { key: stage.key(), fence: holder.fence, rate_factor: 1.0 };
    let seen = lanes::wake_seq(&stage.pool, stage.key()).await.unwrap();
    lanes::give_back(&stage.pool, holder.worker, rate, Some(seen), None).await.unwrap();
    let take = || lanes::take(&stage.pool, holder.worker, Duration::from_secs(10), 10);
    assert!(take().await.unwrap().is_empty(), "nothing new");

    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    lanes::signal(&mut tx, stage.organization, stage.channel).await.unwrap();
    tx.commit().await.unwrap();
    let taken = take().await.unwrap();
    assert_eq!(taken.len(), 1, "signalled");
    assert!(!taken[0].unclean);
    assert!(take().await.unwrap().is_empty(), "held");
}

#[tokio::test]
async fn a_run_ends_only_when_every_row_is_terminal() {
    let mut stage = Stage::new().await;
    stage.contacts(2).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    let key = stage.key();
    stage.claim(holder, campaign, &rows, 1).await;
    stage.record(&[stage.outcome(campaign, &rows[0], 1, Outcome::Accepted { provider_id: "wamid.1".into() })]).await;
    assert_eq!(finish(&stage.pool, key, campaign).await.unwrap(), Finish::Unsent, "a chunk is open");
    stage.record(&[stage.outcome(campaign, &rows[1], 1, Outcome::Unknown { reason: "no answer".into(), grace_s: 0.0 })]).await;
    assert!(census(&stage.pool, key, campaign, &[0]).await.unwrap()[0].is_done());
    assert_eq!(finish(&stage.pool, key, campaign).await.unwrap(), Finish::Finishing, "one row waits for evidence");
    settle_unknown(&stage.pool, key, 10).await.unwrap();
    assert_eq!(finish(&stage.pool, key, campaign).await.unwrap(), Finish::Finished);
    let state: String = sqlx::query_scalar("select state from campaigns").fetch_one(&mut stage.owner).await.unwrap();
    assert_eq!(state, "completedWithErrors", "one stayed unconfirmed");
    stage.assert_counters(campaign).await;
}

/// A result waits for the row that a rescue has just locked: it cannot see the due row that the rescue adds.
#[tokio::test]
async fn a_due_row_added_while_the_result_waited_holds_no_run_open() {
    let mut stage = Stage::new().await;
    stage.contacts(1).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let (rows, key) = (stage.rows(campaign).await, stage.key());
    stage.claim(holder, campaign, &rows, 1).await;

    let mut rescuer = stage.database.owner().await;
    let mut lock = rescuer.begin().await.unwrap();
    sqlx::query("update campaign_messages set state = 3 where campaign_id = $1").bind(campaign).execute(&mut *lock).await.unwrap();
    sqlx::query("insert into campaign_due values ($1, $2, $3, $4, now(), 'unknown')")
        .bind(stage.organization)
        .bind(campaign)
        .bind(rows[0].seq)
        .bind(stage.channel)
        .execute(&mut *lock)
        .await
        .unwrap();
    sqlx::query("insert into campaign_counter_deltas values ($1, $2, 2, 3, 1)")
        .bind(stage.organization)
        .bind(campaign)
        .execute(&mut *lock)
        .await
        .unwrap();
    let accepted = stage.outcome(campaign, &rows[0], 1, Outcome::Accepted { provider_id: "wamid.1".into() });
    let pool = stage.pool.clone();
    let waiting = tokio::spawn(async move { crate::campaigns::ledger::record(&pool, &[accepted]).await.unwrap() });
    stage.database.until_blocked(1).await;
    lock.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap(), 1);
    assert_eq!(stage.state(campaign, rows[0].seq).await, MessageState::Accepted);

    crate::campaigns::ledger::forget_settled(&stage.pool, key).await.unwrap();
    assert!(stage.due(campaign).await.is_empty());
    census(&stage.pool, key, campaign, &[0]).await.unwrap();
    assert_eq!(finish(&stage.pool, key, campaign).await.unwrap(), Finish::Finished);
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn an_unconfirmed_row_is_never_planned_again() {
    let mut stage = Stage::new().await;
    stage.contacts(2).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let old = stage.take_over().await;
    let (rows, key) = (stage.rows(campaign).await, stage.key());
    stage.claim(old, campaign, &rows, 1).await;
    let new = stage.take_over().await;
    rescue(&stage.pool, key, campaign, new.fence, 0.0).await.unwrap();
    settle_unknown(&stage.pool, key, 10).await.unwrap();
    census(&stage.pool, key, campaign, &[0]).await.unwrap();
    assert_eq!(finish(&stage.pool, key, campaign).await.unwrap(), Finish::Finished);
    let retry = Outcome::Retry { code: Some(131_000), reason: "try again".into(), delay_s: 0.0, charged: true, held: false };
    stage
        .record(&[stage.outcome(campaign, &rows[0], 1, Outcome::NotWritten { delay_s: 0.0 }), stage.outcome(campaign, &rows[1], 1, retry)])
        .await;
    assert_eq!(stage.state(campaign, rows[0].seq).await, MessageState::Unconfirmed, "the run is over: nobody would send it");
    assert_eq!(stage.state(campaign, rows[1].seq).await, MessageState::Failed, "refused, and too late to try again");
    assert!(stage.due(campaign).await.is_empty());
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn a_cancelled_run_ends_although_an_intent_came_late() {
    let mut stage = Stage::new().await;
    stage.contacts(3).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let old = stage.take_over().await;
    let (rows, key) = (stage.rows(campaign).await, stage.key());
    // The old owner's intent is executed and not committed yet.
    let mut writer = stage.database.owner().await;
    let mut late = writer.begin().await.unwrap();
    sqlx::query("update campaign_messages set state = 2, nonce = 1, fence = $2, claimed_at = now() where campaign_id = $1 and seq = 1")
        .bind(campaign)
        .bind(old.fence)
        .execute(&mut *late)
        .await
        .unwrap();
    sqlx::query("insert into campaign_counter_deltas values ($1, $2, 0, 2, 1)")
        .bind(stage.organization)
        .bind(campaign)
        .execute(&mut *late)
        .await
        .unwrap();
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::cancel(&mut tx, &SystemClock, campaign).await.unwrap();
    tx.commit().await.unwrap();
    let pool = stage.pool.clone();
    let cancelling = tokio::spawn(async move { cancel_batch(&pool, key, campaign, -1, 20).await.unwrap() });
    stage.database.until_blocked(1).await;
    late.commit().await.unwrap();
    cancelling.await.unwrap();
    assert_eq!(stage.state(campaign, rows[1].seq).await, MessageState::Cancelled);
    let new = stage.take_over().await;
    assert_eq!(rescue(&stage.pool, key, campaign, new.fence, 0.0).await.unwrap(), 1, "the late intent is found");
    settle_unknown(&stage.pool, key, 10).await.unwrap();
    cancel_batch(&stage.pool, key, campaign, -1, 20).await.unwrap();
    assert_eq!(finish(&stage.pool, key, campaign).await.unwrap(), Finish::Finished);
    stage.assert_counters(campaign).await;
}
