//! What the provider does to templates, and what becomes of the campaigns that use them.

use std::{collections::BTreeMap, time::Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{simulator::Review, world::World};

/// How often each number got a message, by the provider's ledger.
fn sends(world: &World) -> BTreeMap<String, usize> {
    let mut sends = BTreeMap::new();
    for message in world.simulator.messages() {
        *sends.entry(message.to.clone()).or_insert(0) += 1;
    }
    sends
}

/// Nobody was lost, and nobody got it twice.
fn assert_each_once(world: &World, people: usize) {
    let sends = sends(world);
    assert_eq!(sends.len(), people);
    assert!(sends.values().all(|n| *n == 1));
}

/// A campaign to `people` that is under way, with its template and itself.
async fn under_way(world: &World, people: u32, after: i64) -> (String, String) {
    world.contacts(people).await;
    let channel = world.channel(100).await;
    let template = world.template(&channel).await;
    let campaign = world.launch(&channel, &template).await;
    world.until(&campaign, "under way", |figures| figures["accepted"].as_i64() >= Some(after)).await;
    (template, campaign)
}

async fn state(world: &World, campaign: &str) -> (String, Value) {
    let body = world.app.get(&format!("/api/campaigns/{campaign}")).await.expect(StatusCode::OK).json::<Value>();
    (body["state"].as_str().unwrap().to_owned(), body["stateReason"].clone())
}

/// How often the audit log says that this was done.
async fn audited(world: &World, action: &str) -> usize {
    let page = world.app.get("/api/audit-log?limit=200").await.expect(StatusCode::OK).json::<Value>();
    page["data"].as_array().unwrap().iter().filter(|entry| entry["action"] == action).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_template_stops_its_campaign_which_goes_on_by_itself_when_it_is_active_again() {
    let world = World::start().await;
    let (template, campaign) = under_way(&world, 400, 100).await;
    world.simulator.review("spring_offer", &Review::Pause);
    let begun = Instant::now();
    let stopped = world.wait_for(&format!("/api/campaigns/{campaign}"), "state", &["paused"]).await;
    assert!(begun.elapsed().as_secs_f64() < 2.0, "it took {:?}", begun.elapsed());
    world.until(&campaign, "quiet", |figures| figures["inFlight"] == 0).await;
    let sent = world.simulator.messages().len();
    assert!(sent < 400, "it was stopped half way");
    assert!(stopped["stateReason"] == "template:PAUSED" || stopped["stateReason"] == "pauseTemplate:132015", "{stopped}");
    world.wait_for(&format!("/api/campaigns/{campaign}"), "stateReason", &["template:PAUSED"]).await;
    world.app.post(&format!("/api/campaigns/{campaign}/resume")).await.problem(StatusCode::CONFLICT, "template-not-approved");
    assert_eq!(world.simulator.messages().len(), sent);

    world.simulator.review("spring_offer", &Review::Approve);
    let figures = world.finished(&campaign).await;
    assert_eq!((&figures["state"], &figures["accepted"]), (&"completed".into(), &400.into()), "{figures}");
    assert_each_once(&world, 400);
    let shown = world.app.get(&format!("/api/templates/{template}")).await.expect(StatusCode::OK).json::<Value>();
    assert_eq!(shown["status"], "APPROVED", "{shown}");
    for action in ["templates.paused", "campaigns.pausedByTemplate", "campaigns.resumedByTemplate"] {
        assert_eq!(audited(&world, action).await, 1, "{action}");
    }
    assert!(world.app.mails_to(&world.app.admin.email).await.contains(&"templateAlert".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_webhooks_a_refusal_tells_of_the_pause_and_a_comparison_of_its_end() {
    let world = World::start().await;
    world.simulator.merge_faults(json!({ "template": { "webhooksOff": true } })).unwrap();
    let (template, campaign) = under_way(&world, 300, 80).await;
    world.simulator.review("spring_offer", &Review::Pause);
    world.wait_for(&format!("/api/campaigns/{campaign}"), "stateReason", &["template:PAUSED"]).await;
    world.wait_for(&format!("/api/templates/{template}"), "status", &["PAUSED"]).await;

    world.simulator.review("spring_offer", &Review::Approve);
    world.app.post("/api/templates/sync").await.expect(StatusCode::ACCEPTED);
    let figures = world.finished(&campaign).await;
    assert_eq!((&figures["state"], &figures["accepted"]), (&"completed".into(), &300.into()), "{figures}");
    assert_each_once(&world, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_nobody_told_of_and_that_is_over_stops_the_campaign_for_a_moment_only() {
    let world = World::start().await;
    let (template, campaign) = under_way(&world, 300, 80).await;
    // Sending is refused, and whoever reads the template finds it approved.
    world.simulator.merge_faults(json!({ "pausedTemplates": ["spring_offer"] })).unwrap();
    world.wait_for(&format!("/api/campaigns/{campaign}"), "stateReason", &["pauseTemplate:132015"]).await;
    world.simulator.merge_faults(json!({ "pausedTemplates": [] })).unwrap();
    let shown = world.app.get(&format!("/api/templates/{template}")).await.expect(StatusCode::OK).json::<Value>();
    assert_eq!(shown["status"], "APPROVED");
    let figures = world.finished(&campaign).await;
    assert_eq!((&figures["state"], &figures["accepted"]), (&"completed".into(), &300.into()), "{figures}");
    assert_each_once(&world, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_category_stops_a_campaign_until_somebody_resumes_it() {
    let world = World::start().await;
    let (_, campaign) = under_way(&world, 300, 80).await;
    world.simulator.review("spring_offer", &Review::Recategorize("UTILITY".into()));
    world.wait_for(&format!("/api/campaigns/{campaign}"), "stateReason", &["templateCategory:UTILITY"]).await;
    assert_eq!(state(&world, &campaign).await, ("paused".to_owned(), "templateCategory:UTILITY".into()));
    world.app.post(&format!("/api/campaigns/{campaign}/resume")).await.expect(StatusCode::OK);
    let figures = world.finished(&campaign).await;
    assert_eq!((&figures["state"], &figures["accepted"]), (&"completed".into(), &300.into()), "{figures}");
    assert_each_once(&world, 300);
    assert_eq!(audited(&world, "templates.recategorized").await, 1);
}

/// Changes the template at the provider, past this system.
async fn edit_there(world: &World, provider_id: &str, text: &str) {
    let components = json!([{ "type": "BODY", "text": text, "example": { "body_text": [["Ada"]] } }]);
    let answer = reqwest::Client::new()
        .post(format!("{}/v25.0/{provider_id}", world.simulator.url()))
        .bearer_auth("EAAG-token-under-test")
        .json(&json!({ "components": components }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_that_was_changed_at_the_provider_is_only_sent_when_somebody_accepts_it() {
    let world = World::start().await;
    let (template, campaign) = under_way(&world, 300, 80).await;
    let launched = world.app.get(&format!("/api/campaigns/{campaign}")).await.expect(StatusCode::OK).json::<Value>();
    assert_eq!(launched["templateVersion"], 1);
    let provider_id = world.simulator.templates()[0].id.clone();
    edit_there(&world, &provider_id, "Hello {{1}}, summer is here.").await;
    world.wait_for(&format!("/api/campaigns/{campaign}"), "stateReason", &["templateContent"]).await;
    let resume = format!("/api/campaigns/{campaign}/resume");
    world.app.post(&resume).await.problem(StatusCode::CONFLICT, "template-changed");
    world.app.post_json(&resume, json!({ "acceptTemplateVersion": 1 })).await.problem(StatusCode::CONFLICT, "template-changed");
    world.app.post_json(&resume, json!({ "acceptVersion": 2 })).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    let shown = world.app.get(&format!("/api/templates/{template}")).await.expect(StatusCode::OK).json::<Value>();
    assert_eq!(shown["version"], 2, "{shown}");
    let resumed = world.app.post_json(&resume, json!({ "acceptTemplateVersion": 2 })).await.expect(StatusCode::OK).json::<Value>();
    assert_eq!(resumed["templateVersion"], 2);
    let figures = world.finished(&campaign).await;
    assert_eq!((&figures["state"], &figures["accepted"]), (&"completed".into(), &300.into()), "{figures}");
    assert_each_once(&world, 300);
}
