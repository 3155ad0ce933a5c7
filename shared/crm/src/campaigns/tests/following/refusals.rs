//! A template that reads as if it may be sent, and is refused all the same.

use chrono::TimeDelta;
use kernel::{Clock, ManualClock, SystemClock};

use super::{RUNNING, count, follow, paused, standing};
use crate::campaigns::{
    Freshness, ledger,
    model::{MessageState, UnknownPolicy},
    tests::stage::Stage,
};

const REASON: &str = "pauseTemplate:132015";

#[tokio::test]
async fn each_refusal_in_a_row_is_waited_out_twice_as_long_until_a_message_is_taken() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    for seconds in [15, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
        assert!(ledger::pause_for_reason(&stage.pool, stage.key(), campaign, REASON).await.unwrap());
        let before = ManualClock::new(SystemClock.now() + TimeDelta::seconds(seconds - 5));
        let doubt = follow(&stage, &before, "APPROVED", Freshness::Unchanged).await.doubt().expect("it is too early");
        assert!(doubt <= TimeDelta::seconds(5) && doubt > TimeDelta::zero(), "{seconds}: {doubt}");
        assert_eq!(standing(&stage, campaign).await, paused(REASON));
        let after = ManualClock::new(SystemClock.now() + TimeDelta::seconds(seconds + 1));
        assert_eq!(follow(&stage, &after, "APPROVED", Freshness::Unchanged).await.doubt(), None);
        assert_eq!(standing(&stage, campaign).await, RUNNING);
    }
    let resumed = "select count(*) from audit_events where action = 'campaigns.resumedByTemplate'";
    assert_eq!(count(&mut stage, resumed).await, 0, "`follow` leaves that to `record`");

    sqlx::query("insert into campaign_counters (organization_id, campaign_id, state, n) values ($1, $2, $3, 1) on conflict do nothing")
        .bind(stage.organization)
        .bind(campaign)
        .bind(MessageState::Delivered.code())
        .execute(&mut stage.owner)
        .await
        .unwrap();
    assert!(ledger::pause_for_reason(&stage.pool, stage.key(), campaign, REASON).await.unwrap());
    let after = ManualClock::new(SystemClock.now() + TimeDelta::seconds(16));
    assert_eq!(follow(&stage, &after, "APPROVED", Freshness::Unchanged).await.doubt(), None);
    assert_eq!(standing(&stage, campaign).await, RUNNING);
}

#[tokio::test]
async fn useless_rounds_are_told_once() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let later = ManualClock::new(SystemClock.now() + TimeDelta::hours(2));
    for _ in 0..4 {
        assert!(ledger::pause_for_reason(&stage.pool, stage.key(), campaign, REASON).await.unwrap());
        let followed = follow(&stage, &later, "APPROVED", Freshness::Unchanged).await;
        assert_eq!(standing(&stage, campaign).await, RUNNING);
        let mut tx = stage.db.tenant(stage.organization).await.unwrap();
        followed.record(&mut tx, &SystemClock, stage.template).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(count(&mut stage, "select count(*) from audit_events").await, 1);
}
