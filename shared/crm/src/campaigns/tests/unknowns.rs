//! What becomes of rows whose fate is unknown, by policy.

use super::stage::Stage;
use crate::campaigns::{
    ledger::{Outcome, due_rows, settle_unknown},
    model::{MessageState, UnknownPolicy},
};

/// Two rows claimed: the first became unknown, the second is accepted.
async fn one_unknown(stage: &mut Stage, policy: UnknownPolicy) -> (kernel::CampaignId, i32, i32) {
    stage.contacts(2).await;
    let campaign = stage.launch(policy).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    stage.claim(holder, campaign, &rows[..1], 1).await;
    stage.claim(holder, campaign, &rows[1..], 2).await;
    let outcomes = [
        stage.outcome(campaign, &rows[0], 1, Outcome::Unknown { reason: "no answer in time".into(), grace_s: 0.0 }),
        stage.outcome(campaign, &rows[1], 2, Outcome::Accepted { provider_id: "wamid.2".into() }),
    ];
    assert_eq!(stage.record(&outcomes).await, 2);
    (campaign, rows[0].seq, rows[1].seq)
}

async fn status_arrives(stage: &mut Stage, campaign: kernel::CampaignId, seq: i32) {
    sqlx::query("update campaign_messages set sent_at = now(), state = 6 where campaign_id = $1 and seq = $2")
        .bind(campaign)
        .bind(seq)
        .execute(&mut stage.owner)
        .await
        .unwrap();
}

#[tokio::test]
async fn by_default_it_is_given_up_after_the_grace() {
    let mut stage = Stage::new().await;
    let (campaign, unknown, _) = one_unknown(&mut stage, UnknownPolicy::GiveUp).await;
    assert_eq!(settle_unknown(&stage.pool, stage.key(), 10).await.unwrap(), 1);
    assert_eq!(stage.state(campaign, unknown).await, MessageState::Unconfirmed);
    assert!(stage.due(campaign).await.is_empty());
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn resending_waits_until_statuses_demonstrably_arrive() {
    let mut stage = Stage::new().await;
    let (campaign, unknown, later) = one_unknown(&mut stage, UnknownPolicy::ResendOnce).await;
    settle_unknown(&stage.pool, stage.key(), 10).await.unwrap();
    assert_eq!(stage.state(campaign, unknown).await, MessageState::Unknown, "no status was seen: it waits");

    status_arrives(&mut stage, campaign, later).await;
    sqlx::query("update campaign_due set not_before = now()").execute(&mut stage.owner).await.unwrap();
    settle_unknown(&stage.pool, stage.key(), 10).await.unwrap();
    let due = due_rows(&stage.pool, stage.key(), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].row.seq, due[0].row.attempt_no), (unknown, 2));

    // The second attempt is lost too: it is not sent a third time.
    let holder = stage.take_over().await;
    stage.claim(holder, campaign, &[due[0].row.clone()], 3).await;
    let lost = stage.outcome(campaign, &due[0].row, 3, Outcome::Unknown { reason: "no answer in time".into(), grace_s: 0.0 });
    stage.record(&[lost]).await;
    settle_unknown(&stage.pool, stage.key(), 10).await.unwrap();
    assert_eq!(stage.state(campaign, unknown).await, MessageState::Unconfirmed);
    sqlx::query("update campaign_messages set state = 6 where seq = $1").bind(later).execute(&mut stage.owner).await.unwrap();
}

#[tokio::test]
async fn resending_waits_while_webhooks_pile_up() {
    let mut stage = Stage::new().await;
    let (campaign, unknown, later) = one_unknown(&mut stage, UnknownPolicy::ResendOnce).await;
    status_arrives(&mut stage, campaign, later).await;
    sqlx::query("insert into webhook_pending (id, received_at) values (gen_random_uuid(), now() - interval '31 s')")
        .execute(&mut stage.owner)
        .await
        .unwrap();
    settle_unknown(&stage.pool, stage.key(), 10).await.unwrap();
    assert_eq!(stage.state(campaign, unknown).await, MessageState::Unknown);
}

#[tokio::test]
async fn who_asked_to_be_asked_is_waited_for_a_day() {
    let mut stage = Stage::new().await;
    let (campaign, unknown, _) = one_unknown(&mut stage, UnknownPolicy::Ask).await;
    settle_unknown(&stage.pool, stage.key(), 10).await.unwrap();
    assert_eq!(stage.state(campaign, unknown).await, MessageState::Unknown);
    sqlx::query("update campaign_messages set claimed_at = now() - interval '25 hours' where state = 3")
        .execute(&mut stage.owner)
        .await
        .unwrap();
    sqlx::query("update campaign_due set not_before = now()").execute(&mut stage.owner).await.unwrap();
    settle_unknown(&stage.pool, stage.key(), 10).await.unwrap();
    assert_eq!(stage.state(campaign, unknown).await, MessageState::Unconfirmed);
}
