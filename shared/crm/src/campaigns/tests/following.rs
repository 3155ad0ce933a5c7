//! Campaigns stop with their template and go on with it, and with nothing else.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use db::TenantTx;
use kernel::{CampaignId, Clock, ManualClock, SystemClock};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::{
    campaigns::{
        CampaignError, Followed, Freshness, TemplateNow, follow_template, ledger,
        model::{Campaign, CampaignState, UnknownPolicy},
        service,
    },
    templates::{
        TemplateError, TemplateKey,
        news::{self, News, Told},
    },
};

mod launched;
mod races;
mod refusals;

/// The instant of news that the provider told `seconds` after the first ones.
fn moment(seconds: i64) -> DateTime<Utc> {
    SystemClock.now().trunc_subsecs(0) - TimeDelta::seconds(30) + TimeDelta::seconds(seconds)
}

async fn tell_in(tx: &mut TenantTx, at: DateTime<Utc>, told: &Told) -> Result<(), TemplateError> {
    let key = TemplateKey { provider_id: "701", business_account_id: Some("2001"), name: Some("offer"), language: Some("en-US") };
    news::apply(tx, &SystemClock, News { key, at: Some(at), told }).await.map(drop)
}

fn status(word: &str) -> Told {
    Told::Status { status: word.into(), reason: None, details: Value::Null }
}

async fn tell(stage: &Stage, seconds: i64, told: Told) {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    tell_in(&mut tx, moment(seconds), &told).await.unwrap();
    tx.commit().await.unwrap();
}

async fn follow(stage: &Stage, clock: &dyn Clock, status: &str, news: Freshness) -> Followed {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let now = TemplateNow { id: stage.template, status, category: "MARKETING", version: 1, news };
    let followed = follow_template(&mut tx, clock, &now).await.unwrap();
    tx.commit().await.unwrap();
    followed
}

async fn find(stage: &Stage, campaign: CampaignId) -> Campaign {
    service::find(&mut stage.db.tenant(stage.organization).await.unwrap(), campaign).await.unwrap()
}

/// State and reason.
async fn standing(stage: &Stage, campaign: CampaignId) -> (CampaignState, Option<String>) {
    let campaign = find(stage, campaign).await;
    (campaign.state, campaign.state_reason)
}

fn paused(reason: &str) -> (CampaignState, Option<String>) {
    (CampaignState::Paused, Some(reason.to_owned()))
}

const RUNNING: (CampaignState, Option<String>) = (CampaignState::Running, None);

async fn resume(stage: &Stage, campaign: CampaignId, accepted: Option<i32>) -> Result<Campaign, CampaignError> {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let resumed = service::resume(&mut tx, &SystemClock, campaign, accepted).await?;
    tx.commit().await.unwrap();
    Ok(resumed)
}

async fn pause(stage: &Stage, campaign: CampaignId) {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::pause(&mut tx, &SystemClock, campaign).await.unwrap();
    tx.commit().await.unwrap();
}

async fn run(stage: &mut Stage, campaign: CampaignId) -> (String, String, i32, Value) {
    sqlx::query_as("select state, category, template_version, content from campaign_runs where campaign_id = $1")
        .bind(campaign)
        .fetch_one(&mut stage.owner)
        .await
        .unwrap()
}

async fn count(stage: &mut Stage, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&mut stage.owner).await.unwrap()
}

/// Gives the template another content, as a look at the provider does.
async fn rewrite(stage: &mut Stage, text: &str, sample: &Value) {
    let components = json!([{ "type": "BODY", "text": text, "example": { "body_text": [sample] } }]);
    sqlx::query("update templates set version = version + 1, components = $1").bind(components).execute(&mut stage.owner).await.unwrap();
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let now = TemplateNow { id: stage.template, status: "APPROVED", category: "MARKETING", version: 2, news: Freshness::Changed };
    let _ = follow_template(&mut tx, &SystemClock, &now).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_campaign_stops_with_its_template_and_goes_on_with_it() {
    let mut stage = Stage::new().await;
    stage.contacts(10).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let holder = stage.take_over().await;
    let rows = stage.rows(campaign).await;
    assert_eq!(stage.claim(holder, campaign, &rows[..4], 1).await.len(), 4);
    let signals = count(&mut stage, "select wake_seq from lane_signals").await;

    tell(&stage, 0, status("PAUSED")).await;
    assert_eq!(standing(&stage, campaign).await, paused("template:PAUSED"));
    assert_eq!(run(&mut stage, campaign).await.0, "paused");
    assert!(count(&mut stage, "select wake_seq from lane_signals").await > signals, "the lane hears of it");
    assert!(stage.claim(holder, campaign, &rows[4..], 2).await.is_empty(), "no row can be claimed");
    assert!(matches!(resume(&stage, campaign, None).await, Err(CampaignError::TemplateNotApproved(status)) if status == "PAUSED"));
    tell(&stage, 1, status("PAUSED")).await;
    tell(&stage, 2, status("DISABLED")).await;
    assert_eq!(standing(&stage, campaign).await, paused("template:DISABLED"));

    tell(&stage, 3, status("APPROVED")).await;
    assert_eq!(standing(&stage, campaign).await, RUNNING);
    assert_eq!(run(&mut stage, campaign).await.0, "running");
    assert_eq!(stage.claim(holder, campaign, &rows[4..], 3).await.len(), 6, "nobody is lost, and nobody is claimed twice");
    assert_eq!(count(&mut stage, "select count(*) from audit_events where action = 'campaigns.pausedByTemplate'").await, 1);
    assert_eq!(count(&mut stage, "select count(*) from audit_events where action = 'campaigns.resumedByTemplate'").await, 1);
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn what_a_person_paused_or_cancelled_is_not_undone_by_the_template() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let [before, meanwhile, cancelled] =
        [stage.launch(UnknownPolicy::GiveUp).await, stage.launch(UnknownPolicy::GiveUp).await, stage.launch(UnknownPolicy::GiveUp).await];
    pause(&stage, before).await;
    tell(&stage, 0, status("PAUSED")).await;
    assert_eq!(standing(&stage, before).await, (CampaignState::Paused, None));
    pause(&stage, meanwhile).await;
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::cancel(&mut tx, &SystemClock, cancelled).await.unwrap();
    tx.commit().await.unwrap();

    tell(&stage, 1, status("APPROVED")).await;
    for campaign in [before, meanwhile] {
        assert_eq!(standing(&stage, campaign).await, (CampaignState::Paused, None));
        assert_eq!(run(&mut stage, campaign).await.0, "paused");
    }
    assert_eq!(standing(&stage, cancelled).await.0, CampaignState::Cancelling);
    assert_eq!(resume(&stage, before, None).await.unwrap().state, CampaignState::Running);
}

#[tokio::test]
async fn the_stronger_reason_of_a_pause_stays() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let [restored, deactivated] = [stage.launch(UnknownPolicy::GiveUp).await, stage.launch(UnknownPolicy::GiveUp).await];
    tell(&stage, 0, status("PAUSED")).await;
    sqlx::query("update campaigns set state_reason = 'ledgerRestored' where id = $1")
        .bind(restored)
        .execute(&mut stage.owner)
        .await
        .unwrap();
    sqlx::query("update organizations set deactivated_at = now()").execute(&mut stage.owner).await.unwrap();
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    assert_eq!(service::pause_deactivated(&mut tx, &SystemClock, SystemClock.now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(standing(&stage, deactivated).await, paused(service::DEACTIVATED));

    sqlx::query("update organizations set deactivated_at = null").execute(&mut stage.owner).await.unwrap();
    tell(&stage, 1, status("APPROVED")).await;
    assert_eq!(standing(&stage, deactivated).await, paused(service::DEACTIVATED));
    assert_eq!(standing(&stage, restored).await, paused("ledgerRestored"));
}

#[tokio::test]
async fn a_template_that_returns_while_the_organization_is_deactivated_sets_nothing_going() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    tell(&stage, 0, status("PAUSED")).await;
    sqlx::query("update organizations set deactivated_at = now()").execute(&mut stage.owner).await.unwrap();
    tell(&stage, 1, status("APPROVED")).await;
    assert_eq!(standing(&stage, campaign).await, paused(service::DEACTIVATED));
    assert_eq!(run(&mut stage, campaign).await.0, "paused");
}

#[tokio::test]
async fn a_campaign_stopped_by_refusals_goes_on_when_the_template_is_seen_to_be_approved_after_a_while() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let later = ManualClock::new(SystemClock.now() + TimeDelta::minutes(2));
    for (reason, returns) in
        [("pauseTemplate:132015", true), ("pauseTemplate:132016", true), ("pauseTemplate:132001", true), ("pauseTemplate:132007", false)]
    {
        assert!(ledger::pause_for_reason(&stage.pool, stage.key(), campaign, reason).await.unwrap());
        let soon = follow(&stage, &SystemClock, "APPROVED", Freshness::Unchanged).await;
        assert_eq!(soon.doubt().is_some(), returns, "{reason}");
        assert_eq!(standing(&stage, campaign).await, paused(reason), "what is read may lag behind what is refused");
        assert_eq!(follow(&stage, &later, "APPROVED", Freshness::Unchanged).await.doubt(), None);
        assert_eq!(standing(&stage, campaign).await, if returns { RUNNING } else { paused(reason) }, "{reason}");
    }
}

#[tokio::test]
async fn a_change_of_the_template_ends_the_doubt_about_refusals() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    assert!(ledger::pause_for_reason(&stage.pool, stage.key(), campaign, "pauseTemplate:132015").await.unwrap());
    tell(&stage, 0, status("PAUSED")).await;
    assert_eq!(standing(&stage, campaign).await, paused("template:PAUSED"));
    tell(&stage, 1, status("APPROVED")).await;
    assert_eq!(standing(&stage, campaign).await, RUNNING);
}

#[tokio::test]
async fn another_category_stops_campaigns_until_somebody_accepts_it_or_it_is_taken_back() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let [accepted, waiting] = [stage.launch(UnknownPolicy::GiveUp).await, stage.launch(UnknownPolicy::GiveUp).await];
    tell(&stage, 0, Told::CategoryChanged { category: "UTILITY".into() }).await;
    assert_eq!(standing(&stage, accepted).await, paused("templateCategory:UTILITY"));
    assert_eq!(resume(&stage, accepted, None).await.unwrap().state, CampaignState::Running);
    assert_eq!(run(&mut stage, accepted).await.1, "UTILITY");

    tell(&stage, 1, Told::CategoryChanged { category: "MARKETING".into() }).await;
    assert_eq!(standing(&stage, accepted).await, paused("templateCategory:MARKETING"));
    assert_eq!(standing(&stage, waiting).await, RUNNING);
}

#[tokio::test]
async fn another_content_is_only_sent_when_somebody_names_its_version() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    assert_eq!(find(&stage, campaign).await.template_version, Some(1));
    rewrite(&mut stage, "Dear {{1}}, {{2}} off for you.", &json!(["Ada", "20%"])).await;
    assert_eq!(standing(&stage, campaign).await, paused("templateContent"));
    for accepted in [None, Some(1), Some(3)] {
        let refused = resume(&stage, campaign, accepted).await.unwrap_err();
        assert!(matches!(refused, CampaignError::TemplateChanged { launched: 1, now: 2 }), "{refused}");
    }
    assert_eq!(resume(&stage, campaign, Some(2)).await.unwrap().template_version, Some(2));
    let (_, _, version, content) = run(&mut stage, campaign).await;
    assert_eq!((version, content["components"][0]["text"].as_str()), (2, Some("Dear {{1}}, {{2}} off for you.")));
}

#[tokio::test]
async fn a_content_with_other_variables_cannot_be_accepted() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    rewrite(&mut stage, "Dear {{1}}, here you are.", &json!(["Ada"])).await;
    let refused = resume(&stage, campaign, Some(2)).await.unwrap_err();
    assert!(matches!(refused, CampaignError::TemplateVariablesChanged { now: 2 }), "{refused}");
    assert_eq!(run(&mut stage, campaign).await.2, 1);
}

#[tokio::test]
async fn a_campaign_that_only_waits_for_outcomes_is_not_stopped() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let [settling, resending] = [stage.launch(UnknownPolicy::GiveUp).await, stage.launch(UnknownPolicy::ResendOnce).await];
    sqlx::query("update campaigns set state = 'finishing'").execute(&mut stage.owner).await.unwrap();
    tell(&stage, 0, status("PAUSED")).await;
    assert_eq!(standing(&stage, settling).await, (CampaignState::Finishing, None));
    assert_eq!(standing(&stage, resending).await, paused("template:PAUSED"));
}
