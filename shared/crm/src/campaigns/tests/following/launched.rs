//! What a campaign was launched with, before and after it is frozen.

use kernel::{CampaignId, SystemClock};
use serde_json::json;

use super::{RUNNING, find, follow, paused, resume, run, standing};
use crate::{
    campaigns::{
        CampaignError, Freshness, Settings, TemplateNow, follow_template,
        following::held_templates,
        model::{CampaignState, UnknownPolicy},
        service,
        tests::stage::Stage,
    },
    templates::jobs::Refresh,
};

async fn drafted(stage: &Stage) -> CampaignId {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let id = service::create(&mut tx, &SystemClock, stage.draft(UnknownPolicy::GiveUp)).await.unwrap().id;
    tx.commit().await.unwrap();
    id
}

async fn launch(stage: &Stage, campaign: CampaignId) -> Result<(), CampaignError> {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::launch(&mut tx, &SystemClock, campaign).await?;
    tx.commit().await.unwrap();
    Ok(())
}

async fn launched(stage: &Stage) -> CampaignId {
    let id = drafted(stage).await;
    launch(stage, id).await.unwrap();
    id
}

/// What the job of a launch does.
async fn prepare(stage: &Stage, campaign: CampaignId) {
    let settings = Settings { unknown_grace: std::time::Duration::ZERO, authentication_grace: std::time::Duration::ZERO };
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let prepared = service::prepare(&mut tx, &SystemClock, settings, campaign).await.unwrap();
    tx.commit().await.unwrap();
    if prepared == service::Prepared::Frozen {
        start(stage, campaign).await;
    }
}

async fn start(stage: &Stage, campaign: CampaignId) {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    service::start(&mut tx, &SystemClock, campaign).await.unwrap();
    tx.commit().await.unwrap();
}

async fn set(stage: &mut Stage, change: &'static str) {
    sqlx::query(change).execute(&mut stage.owner).await.unwrap();
}

async fn follow_version(stage: &Stage, status: &str, category: &str, version: i32) {
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let now = TemplateNow { id: stage.template, status, category, version, news: Freshness::Changed };
    let _ = follow_template(&mut tx, &SystemClock, &now).await.unwrap();
    tx.commit().await.unwrap();
}

async fn submit_change(stage: &mut Stage) {
    sqlx::query(
        "insert into template_drafts (organization_id, template_id, category, components, state, created_at, updated_at)
         values ($1, $2, 'MARKETING', $3, 'submitting', now(), now())",
    )
    .bind(stage.organization)
    .bind(stage.template)
    .bind(json!([{ "type": "BODY", "text": "Hello." }]))
    .execute(&mut stage.owner)
    .await
    .unwrap();
}

#[tokio::test]
async fn another_content_before_the_freezing_is_only_sent_when_somebody_accepts_it() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let [told, untold] = [launched(&stage).await, launched(&stage).await];
    assert_eq!(find(&stage, told).await.template_version, Some(1));
    follow_version(&stage, "PAUSED", "MARKETING", 1).await;
    assert_eq!(standing(&stage, told).await, paused("template:PAUSED"));
    set(&mut stage, "update templates set version = 2").await;
    // The other one hears of nothing, and finds it out when it is frozen.
    sqlx::query("update campaigns set state = 'preparing', state_reason = null where id = $1")
        .bind(untold)
        .execute(&mut stage.owner)
        .await
        .unwrap();
    prepare(&stage, untold).await;
    follow_version(&stage, "APPROVED", "MARKETING", 2).await;
    for campaign in [told, untold] {
        assert_eq!(standing(&stage, campaign).await, paused("templateContent"));
        let refused = resume(&stage, campaign, None).await.unwrap_err();
        assert!(matches!(refused, CampaignError::TemplateChanged { launched: 1, now: 2 }), "{refused}");
        assert_eq!(resume(&stage, campaign, Some(2)).await.unwrap().state, CampaignState::Preparing);
        prepare(&stage, campaign).await;
        assert_eq!(standing(&stage, campaign).await, RUNNING);
        assert_eq!(run(&mut stage, campaign).await.2, 2);
    }
}

#[tokio::test]
async fn another_category_before_the_freezing_waits_for_a_person_too() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = launched(&stage).await;
    set(&mut stage, "update templates set category = 'UTILITY'").await;
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    assert_eq!(held_templates(&mut tx).await.unwrap(), [stage.template], "the next comparison sees it");
    tx.rollback().await.unwrap();
    prepare(&stage, campaign).await;
    assert_eq!(standing(&stage, campaign).await, paused("templateCategory:UTILITY"));
    resume(&stage, campaign, None).await.unwrap();
    prepare(&stage, campaign).await;
    assert_eq!((standing(&stage, campaign).await, run(&mut stage, campaign).await.1), (RUNNING, "UTILITY".to_owned()));
}

#[tokio::test]
async fn a_content_whose_variables_the_campaign_does_not_give_cannot_be_accepted_before_the_freezing() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = launched(&stage).await;
    let components = json!([{ "type": "BODY", "text": "Dear {{1}}, here you are.", "example": { "body_text": [["Ada"]] } }]);
    sqlx::query("update templates set version = 2, components = $1").bind(components).execute(&mut stage.owner).await.unwrap();
    prepare(&stage, campaign).await;
    assert_eq!(standing(&stage, campaign).await, paused("templateContent"), "it does not fail: the content may be taken back");
    let refused = resume(&stage, campaign, Some(2)).await.unwrap_err();
    assert!(matches!(refused, CampaignError::TemplateVariablesChanged { now: 2 }), "{refused}");
    assert_eq!(find(&stage, campaign).await.template_version, Some(1));
}

#[tokio::test]
async fn nothing_is_set_going_while_a_change_of_the_template_is_on_its_way() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let (ready, begun, stopped) = (drafted(&stage).await, launched(&stage).await, stage.launch(UnknownPolicy::GiveUp).await);
    super::pause(&stage, stopped).await;
    submit_change(&mut stage).await;
    assert!(matches!(launch(&stage, ready).await, Err(CampaignError::TemplateBeingEdited)));
    assert!(matches!(resume(&stage, stopped, None).await, Err(CampaignError::TemplateBeingEdited)));
    prepare(&stage, begun).await;
    assert_eq!(standing(&stage, begun).await, paused("template:EDITING"));
    assert_eq!(run(&mut stage, begun).await.0, "paused");
    assert_eq!(queue::testing::waiting::<Refresh>(&stage.database).await.len(), 1);
    // A look in between sees an approved template.
    assert!(follow(&stage, &SystemClock, "APPROVED", Freshness::Unchanged).await.doubt().is_some(), "somebody looks again");
    assert_eq!(standing(&stage, begun).await, paused("template:EDITING"));

    set(&mut stage, "update template_drafts set state = 'draft'").await;
    assert_eq!(follow(&stage, &SystemClock, "APPROVED", Freshness::Unchanged).await.doubt(), None);
    assert_eq!(standing(&stage, begun).await, RUNNING, "the change was refused");
    launch(&stage, ready).await.unwrap();
}

#[tokio::test]
async fn a_launch_waits_for_a_submission_of_a_change_and_hears_of_it() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let campaign = drafted(&stage).await;
    let mut submitting = sqlx::Connection::begin(&mut stage.owner).await.unwrap();
    sqlx::query("select id from templates for update").execute(&mut *submitting).await.unwrap();
    sqlx::query(
        "insert into template_drafts (organization_id, template_id, category, components, state, created_at, updated_at)
         select organization_id, id, category, components, 'submitting', now(), now() from templates",
    )
    .execute(&mut *submitting)
    .await
    .unwrap();
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    let committing = async {
        stage.database.until_blocked(1).await;
        submitting.commit().await.unwrap();
    };
    let (launched, ()) = tokio::join!(service::launch(&mut tx, &SystemClock, campaign), committing);
    assert!(matches!(launched, Err(CampaignError::TemplateBeingEdited)), "{launched:?}");
}

#[tokio::test]
async fn an_upgrade_stops_no_campaign() {
    let mut stage = Stage::new().await;
    stage.contacts(4).await;
    let (frozen, begun) = (stage.launch(UnknownPolicy::GiveUp).await, launched(&stage).await);
    // As the versions before left it: a template that was changed before its approval, and runs that know no version.
    set(&mut stage, "update templates set version = 3, category = 'UTILITY'").await;
    set(&mut stage, "update campaigns set template_version = null, template_category = null").await;
    set(&mut stage, "update campaign_runs set template_version = 1").await;
    let migration = include_str!("../../../../../../migrations/0018_template_lifecycle.sql");
    let statements: Vec<&str> = migration.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let statements = statements.join("\n");
    for statement in statements.split(";\n").filter(|statement| statement.trim_start().starts_with("update campaign")) {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut stage.owner).await.unwrap();
    }
    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    assert_eq!(held_templates(&mut tx).await.unwrap(), []);
    tx.rollback().await.unwrap();
    follow_version(&stage, "APPROVED", "UTILITY", 3).await;
    assert_eq!(standing(&stage, frozen).await, RUNNING);
    prepare(&stage, begun).await;
    assert_eq!(standing(&stage, begun).await, RUNNING);
}
