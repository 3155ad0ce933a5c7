//! A ledger that lost its end: what it must not send again, and what becomes of it.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{CampaignId, Clock, SystemClock};

use super::stage::Stage;
use crate::campaigns::{
    ledger::{self, Gap, Outcome, doubt_restored, ledger_beat, ledger_facts, pause_restored, settle_unknown},
    model::{CampaignState, MessageState, UnknownPolicy},
    service,
};

/// A campaign of six chunks at 80/s, the first started: row 1 accepted, row 2 refused and to be tried again at once, row 3 held for an hour.
async fn restored(policy: UnknownPolicy) -> (Stage, CampaignId) {
    let mut stage = Stage::new().await;
    stage.contacts(3_000).await;
    let campaign = stage.launch(policy).await;
    let holder = stage.take_over().await;
    let chunk = ledger::open_chunks(&stage.pool, stage.key(), campaign, -1, 1).await.unwrap()[0];
    let rows = ledger::read_chunk(&stage.pool, stage.key(), campaign, chunk).await.unwrap();
    stage.claim(holder, campaign, &rows[..3], 1).await;
    let again = |delay_s, held| Outcome::Retry { code: None, reason: "later".into(), delay_s, charged: false, held };
    let outcomes = [Outcome::Accepted { provider_id: "wamid.1".into() }, again(0.0, false), again(3_600.0, true)];
    let outcomes: Vec<_> = rows.iter().zip(outcomes).map(|(row, outcome)| stage.outcome(campaign, row, 1, outcome)).collect();
    assert_eq!(stage.record(&outcomes).await, 3);
    (stage, campaign)
}

/// Ten seconds, in which 880 rows can be sent: the next chunk, and the one after it.
fn gap(until: DateTime<Utc>) -> Gap {
    Gap { until, seconds: 10.0 }
}

async fn in_state(stage: &mut Stage, campaign: CampaignId, wanted: MessageState) -> i64 {
    sqlx::query_scalar("select count(*) from campaign_messages where campaign_id = $1 and state = $2")
        .bind(campaign)
        .bind(wanted.code())
        .fetch_one(&mut stage.owner)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_facts_of_a_ledger_only_go_forward() {
    let stage = Stage::new().await;
    let mut connection = stage.pool.executor().acquire().await.unwrap();
    let before = ledger_facts(&mut connection).await.unwrap().unwrap();
    let beat = ledger_beat(&mut connection).await.unwrap().unwrap();
    let after = ledger_facts(&mut connection).await.unwrap().unwrap();
    assert!(before.beat_at < beat.beat_at && beat.beat_at == after.beat_at);
    assert!(before.wal_position <= beat.wal_position && beat.wal_position < after.wal_position);
    assert_eq!(after.difference(&beat), None);
    assert!(before.difference(&after).is_some());

    let gap = Gap::between(&before, &after, TimeDelta::seconds(10));
    assert_eq!(gap.until, after.beat_at + TimeDelta::seconds(10));
    let least = Gap::between(&after, &before, TimeDelta::seconds(10));
    assert_eq!(least, Gap { until: after.beat_at + TimeDelta::seconds(10), seconds: 10.0 }, "nothing more is known to be lost");
}

#[tokio::test]
async fn what_may_have_been_sent_in_the_gap_is_unknown_and_nothing_else_is() {
    let (mut stage, campaign) = restored(UnknownPolicy::GiveUp).await;
    let mut connection = stage.pool.executor().acquire().await.unwrap();
    assert_eq!(pause_restored(&mut connection).await.unwrap(), 1);
    let gap = gap(SystemClock.now() + TimeDelta::seconds(10));
    assert_eq!(doubt_restored(&mut connection, gap).await.unwrap(), 498 + 1_000);
    assert_eq!(doubt_restored(&mut connection, gap).await.unwrap(), 0, "repeating it changes nothing");
    drop(connection);

    assert_eq!(stage.state(campaign, 1).await, MessageState::Accepted);
    assert_eq!(stage.state(campaign, 2).await, MessageState::Unknown, "it fell due in the gap");
    assert_eq!(stage.state(campaign, 3).await, MessageState::Held, "it was not due in the gap");
    assert_eq!(in_state(&mut stage, campaign, MessageState::Planned).await, 1_500);
    assert_eq!(stage.due(campaign).await.len(), 1_499);
    stage.assert_counters(campaign).await;

    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let paused = service::find(&mut tx, campaign).await.unwrap();
    assert_eq!((paused.state, paused.state_reason.as_deref()), (CampaignState::Paused, Some("ledgerRestored")));
    service::resume(&mut tx, &SystemClock, campaign, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stage.rows(campaign).await.len(), 1_500, "what was not reached is sent");
}

#[tokio::test]
async fn doubted_rows_are_given_up_even_where_others_would_be_sent_again() {
    for policy in [UnknownPolicy::GiveUp, UnknownPolicy::ResendOnce] {
        let (mut stage, campaign) = restored(policy).await;
        let mut connection = stage.pool.executor().acquire().await.unwrap();
        pause_restored(&mut connection).await.unwrap();
        doubt_restored(&mut connection, gap(SystemClock.now())).await.unwrap();
        drop(connection);
        while settle_unknown(&stage.pool, stage.key(), 500).await.unwrap() == 500 {}
        assert_eq!(in_state(&mut stage, campaign, MessageState::Unconfirmed).await, 1_498, "{policy:?}");
        stage.assert_counters(campaign).await;
    }
}
