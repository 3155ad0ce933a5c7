//! An organization that is switched off: nothing of it sends, and nothing is lost.

use chrono::{DateTime, Utc};
use kernel::{CampaignId, Clock, SystemClock, UserId};

use super::stage::Stage;
use crate::{
    campaigns::{
        CampaignError,
        model::{Campaign, CampaignState, UnknownPolicy},
        service::{self, DEACTIVATED},
    },
    organizations::{
        ClientPatch,
        clients::{self, Activity, Staff},
    },
};

async fn switch(stage: &Stage, activity: Activity) -> DateTime<Utc> {
    let mut tx = stage.db.identity("test").await.unwrap();
    let staff = Staff { user: UserId::at(SystemClock.now()), organization: kernel::OrganizationId::at(SystemClock.now()) };
    let patch = ClientPatch { activity: Some(activity), ..ClientPatch::default() };
    let client = clients::patch(&mut tx, &SystemClock, staff, stage.organization, patch).await.unwrap();
    tx.commit().await.unwrap();
    client.organization.updated_at
}

/// What the job does.
async fn pause_deactivated(stage: &Stage, since: DateTime<Utc>) -> usize {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let paused = service::pause_deactivated(&mut tx, &SystemClock, since).await.unwrap();
    tx.commit().await.unwrap();
    paused
}

async fn find(stage: &Stage, campaign: CampaignId) -> Campaign {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::find(&mut tx, campaign).await.unwrap()
}

async fn resume(stage: &Stage, campaign: CampaignId) -> Result<Campaign, CampaignError> {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let resumed = service::resume(&mut tx, &SystemClock, campaign, None).await?;
    tx.commit().await.unwrap();
    Ok(resumed)
}

#[tokio::test]
async fn a_deactivated_organization_sends_nothing_until_somebody_resumes() {
    let mut stage = Stage::new().await;
    stage.contacts(10).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    let since = switch(&stage, Activity::Deactivated).await;
    assert_eq!(pause_deactivated(&stage, since).await, 1);
    assert_eq!(pause_deactivated(&stage, since).await, 0, "a second run changes nothing");

    let paused = find(&stage, campaign).await;
    assert_eq!((paused.state, paused.state_reason.as_deref()), (CampaignState::Paused, Some(DEACTIVATED)));
    assert!(stage.claim(holder, campaign, &rows, 1).await.is_empty(), "no row can be claimed");
    assert!(matches!(resume(&stage, campaign).await, Err(CampaignError::OrganizationDeactivated)));

    switch(&stage, Activity::Active).await;
    assert_eq!(find(&stage, campaign).await.state, CampaignState::Paused, "being active again resumes nothing");
    assert_eq!(resume(&stage, campaign).await.unwrap().state, CampaignState::Running);
    assert_eq!(pause_deactivated(&stage, since).await, 0, "a job that comes late leaves alone what was resumed since");
    assert_eq!(stage.claim(holder, campaign, &rows, 2).await.len(), 10);
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn a_job_that_comes_after_the_reactivation_still_pauses_what_ran_before() {
    let mut stage = Stage::new().await;
    stage.contacts(10).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let since = switch(&stage, Activity::Deactivated).await;
    switch(&stage, Activity::Active).await;
    assert_eq!(pause_deactivated(&stage, since).await, 1);
    assert_eq!(find(&stage, campaign).await.state_reason.as_deref(), Some(DEACTIVATED));
}

#[tokio::test]
async fn a_launch_that_was_faster_than_the_deactivation_is_paused_and_a_slower_one_refused() {
    let mut stage = Stage::new().await;
    stage.contacts(10).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let [fast, slow] = {
        let mut tx = stage.db.tenant(stage.organization).await.unwrap();
        let draft = service::find(&mut tx, campaign).await.unwrap().draft;
        let fast = service::create(&mut tx, &SystemClock, draft.clone()).await.unwrap().id;
        let slow = service::create(&mut tx, &SystemClock, draft).await.unwrap().id;
        tx.commit().await.unwrap();
        [fast, slow]
    };
    let mut launching = stage.db.tenant(stage.organization).await.unwrap();
    service::launch(&mut launching, &SystemClock, fast).await.unwrap();
    let waiting = async {
        stage.database.until_blocked(1).await;
        launching.commit().await.unwrap();
    };
    let (since, ()) = tokio::join!(switch(&stage, Activity::Deactivated), waiting);

    assert_eq!(pause_deactivated(&stage, since).await, 2);
    assert_eq!(find(&stage, fast).await.state_reason.as_deref(), Some(DEACTIVATED));
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let refused = service::launch(&mut tx, &SystemClock, slow).await.unwrap_err();
    assert!(matches!(refused, CampaignError::OrganizationDeactivated), "{refused}");
}
