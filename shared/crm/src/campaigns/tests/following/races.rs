//! News of a template at the same instant as a launch, a start or a resumption.

use kernel::{CampaignId, SystemClock};

use super::{RUNNING, moment, pause, paused, resume, run, standing, status, tell, tell_in};
use crate::campaigns::{
    CampaignError, Settings,
    model::{CampaignState, UnknownPolicy},
    service,
    tests::stage::Stage,
};

/// A second campaign like `campaign`, as a draft.
async fn draft_like(stage: &Stage, campaign: CampaignId) -> CampaignId {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let draft = service::find(&mut tx, campaign).await.unwrap().draft;
    let id = service::create(&mut tx, &SystemClock, draft).await.unwrap().id;
    tx.commit().await.unwrap();
    id
}

async fn prepare(stage: &Stage, campaign: CampaignId) {
    let settings = Settings { unknown_grace: std::time::Duration::ZERO, authentication_grace: std::time::Duration::ZERO };
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::prepare(&mut tx, &SystemClock, settings, campaign).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_launch_comes_wholly_before_or_wholly_after_a_pause() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let [fast, slow] = [draft_like(&stage, campaign).await, draft_like(&stage, campaign).await];

    let mut launching = stage.db.tenant(stage.organization).await.unwrap();
    service::launch(&mut launching, &SystemClock, fast).await.unwrap();
    let committing = async {
        stage.database.until_blocked(1).await;
        launching.commit().await.unwrap();
    };
    tokio::join!(tell(&stage, 0, status("PAUSED")), committing);
    assert_eq!(standing(&stage, fast).await, paused("template:PAUSED"));

    tell(&stage, 1, status("APPROVED")).await;
    let mut pausing = stage.db.tenant(stage.organization).await.unwrap();
    tell_in(&mut pausing, moment(2), &status("PAUSED")).await.unwrap();
    let committing = async {
        stage.database.until_blocked(1).await;
        pausing.commit().await.unwrap();
    };
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let (launched, ()) = tokio::join!(service::launch(&mut tx, &SystemClock, slow), committing);
    assert!(matches!(launched, Err(CampaignError::TemplateNotApproved(_))), "{launched:?}");
}

#[tokio::test]
async fn a_start_and_a_resumption_come_wholly_before_or_wholly_after_a_pause() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let resumed = stage.launch(UnknownPolicy::GiveUp).await;
    let started = draft_like(&stage, resumed).await;
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::launch(&mut tx, &SystemClock, started).await.unwrap();
    tx.commit().await.unwrap();
    prepare(&stage, started).await;
    pause(&stage, resumed).await;

    let mut pausing = stage.db.tenant(stage.organization).await.unwrap();
    tell_in(&mut pausing, moment(0), &status("PAUSED")).await.unwrap();
    let committing = async {
        stage.database.until_blocked(2).await;
        pausing.commit().await.unwrap();
    };
    let starting = async {
        let mut tx = stage.db.tenant(stage.organization).await.unwrap();
        service::start(&mut tx, &SystemClock, started).await.unwrap();
        tx.commit().await.unwrap();
    };
    let (answer, (), ()) = tokio::join!(resume(&stage, resumed, None), starting, committing);
    assert!(matches!(answer, Err(CampaignError::TemplateNotApproved(_))), "{answer:?}");
    assert_eq!(standing(&stage, started).await, paused("template:PAUSED"));
    assert_eq!(run(&mut stage, started).await.0, "paused");
    assert_eq!(standing(&stage, resumed).await, (CampaignState::Paused, None));

    tell(&stage, 1, status("APPROVED")).await;
    let mut resuming = stage.db.tenant(stage.organization).await.unwrap();
    service::resume(&mut resuming, &SystemClock, resumed, None).await.unwrap();
    let committing = async {
        stage.database.until_blocked(1).await;
        resuming.commit().await.unwrap();
    };
    tokio::join!(tell(&stage, 2, status("PAUSED")), committing);
    assert_eq!(standing(&stage, resumed).await, paused("template:PAUSED"));
    assert_eq!(run(&mut stage, resumed).await.0, "paused");
}

#[tokio::test]
async fn a_campaign_that_cannot_be_frozen_waits_for_its_template_and_fails_when_that_is_gone_for_good() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let model = stage.launch(UnknownPolicy::GiveUp).await;
    let [waits, fails] = [draft_like(&stage, model).await, draft_like(&stage, model).await];
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::launch(&mut tx, &SystemClock, waits).await.unwrap();
    service::launch(&mut tx, &SystemClock, fails).await.unwrap();
    tx.commit().await.unwrap();
    // The pause was missed: nobody told the campaigns.
    sqlx::query("update templates set status = 'PAUSED'").execute(&mut stage.owner).await.unwrap();
    prepare(&stage, waits).await;
    assert_eq!(standing(&stage, waits).await, paused("template:PAUSED"));
    sqlx::query("update templates set status = 'DELETED'").execute(&mut stage.owner).await.unwrap();
    prepare(&stage, fails).await;
    assert_eq!(standing(&stage, fails).await.0, CampaignState::Failed);

    sqlx::query("update templates set status = 'PAUSED'").execute(&mut stage.owner).await.unwrap();
    tell(&stage, 0, status("APPROVED")).await;
    assert_eq!(standing(&stage, waits).await, (CampaignState::Preparing, None));
    prepare(&stage, waits).await;
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::start(&mut tx, &SystemClock, waits).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(standing(&stage, waits).await, RUNNING);
}

#[tokio::test]
async fn a_template_that_changed_while_the_audience_was_frozen_keeps_the_campaign_from_starting() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let model = stage.launch(UnknownPolicy::GiveUp).await;
    let campaign = draft_like(&stage, model).await;
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::launch(&mut tx, &SystemClock, campaign).await.unwrap();
    tx.commit().await.unwrap();
    let settings = Settings { unknown_grace: std::time::Duration::ZERO, authentication_grace: std::time::Duration::ZERO };
    let mut freezing = stage.db.tenant(stage.organization).await.unwrap();
    service::prepare(&mut freezing, &SystemClock, settings, campaign).await.unwrap();
    // Freezing takes long, and must not hold up news.
    sqlx::query("update templates set category = 'UTILITY'").execute(&mut stage.owner).await.unwrap();
    freezing.commit().await.unwrap();
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::start(&mut tx, &SystemClock, campaign).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(standing(&stage, campaign).await, paused("templateCategory:UTILITY"));
    assert_eq!(run(&mut stage, campaign).await.0, "paused");
}
