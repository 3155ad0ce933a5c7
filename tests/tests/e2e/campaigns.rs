//! Campaigns from the draft to the last outcome, against the simulator.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::world::World;

/// How often each number got a message, by the provider's ledger.
fn sends(world: &World) -> BTreeMap<String, usize> {
    let mut sends = BTreeMap::new();
    for message in world.simulator.messages() {
        *sends.entry(message.to.clone()).or_insert(0) += 1;
    }
    sends
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launched_campaign_reaches_every_recipient_once() {
    let world = World::start().await;
    world.contacts(300).await;
    let channel = world.channel(1_000).await;
    let template = world.template(&channel).await;
    let campaign = world.launch(&channel, &template).await;

    let figures = world.finished(&campaign).await;
    assert_eq!(figures["state"], "completed", "{figures}");
    assert_eq!(figures["accepted"], 300);
    let sends = sends(&world);
    assert_eq!(sends.len(), 300);
    assert!(sends.values().all(|n| *n == 1));
    world.until(&campaign, "delivered to all", |figures| figures["delivered"] == 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_paused_by_a_stop_of_the_worker_leaves_no_unknown() {
    let mut world = World::start().await;
    world.contacts(400).await;
    let channel = world.channel(100).await;
    let template = world.template(&channel).await;
    world.simulator.merge_faults(json!({ "latencyMs": 200 })).unwrap();
    let campaign = world.launch(&channel, &template).await;
    world.until(&campaign, "a hundred accepted", |figures| figures["accepted"].as_i64() >= Some(100)).await;

    world.stop_worker().await;
    let figures = world.analytics(&campaign).await;
    assert_eq!(figures["unknown"], 0, "{figures}");
    assert_eq!(figures["inFlight"], 0, "{figures}");
    assert!(figures["planned"].as_i64() > Some(0), "it was stopped half way: {figures}");

    world.start_worker();
    let figures = world.finished(&campaign).await;
    assert_eq!(figures["accepted"], 400, "{figures}");
    assert!(sends(&world).values().all(|n| *n == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_campaign_sends_nothing_and_resumes_to_the_end() {
    let world = World::start().await;
    world.contacts(300).await;
    let channel = world.channel(100).await;
    let template = world.template(&channel).await;
    let campaign = world.launch(&channel, &template).await;
    world.until(&campaign, "under way", |figures| figures["accepted"].as_i64() >= Some(50)).await;

    world.app.post(&format!("/api/campaigns/{campaign}/pause")).await.expect(StatusCode::OK);
    world.until(&campaign, "quiet", |figures| figures["inFlight"] == 0).await;
    let after_pause = world.simulator.messages().len();
    assert!(after_pause < 300);
    world.app.post(&format!("/api/campaigns/{campaign}/pause")).await.expect(StatusCode::CONFLICT);
    assert_eq!(world.simulator.messages().len(), after_pause);

    world.app.post(&format!("/api/campaigns/{campaign}/resume")).await.expect(StatusCode::OK);
    let figures = world.finished(&campaign).await;
    assert_eq!(figures["state"], "completed", "{figures}");
    assert_eq!(world.simulator.messages().len(), 300);
    assert!(sends(&world).values().all(|n| *n == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_of_a_restored_ledger_waits_for_a_person_and_nobody_gets_it_twice() {
    let mut world = World::start().await;
    world.contacts(2_500).await;
    let channel = world.channel(100).await;
    let template = world.template(&channel).await;
    let campaign = world.launch(&channel, &template).await;
    world.until(&campaign, "a hundred accepted", |figures| figures["acceptedOrBetter"].as_i64() >= Some(100)).await;
    world.stop_worker().await;
    let sent_before = world.simulator.messages().len();
    // The last two seconds are lost: most of what was sent shows as planned again.
    let restore = "with k as (
            select m.ctid, m.seq, m.tableoid, m.state from campaign_messages m where m.state >= 5 and m.seq >= 20
        ),
        u as (
            update campaign_messages m
            set state = 0, nonce = null, provider_id = null, accepted_at = null, sent_at = null, delivered_at = null, read_at = null
            from k where m.ctid = k.ctid and m.tableoid = k.tableoid
            returning m.organization_id, m.campaign_id, k.state
        ),
        moved as (
            insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
            select organization_id, campaign_id, state, 0, count(*) from u group by 1, 2, 3
        )
        update ledger_beats set at = at - interval '2 s'";
    sqlx::query(restore).execute(&mut world.app.database.owner().await).await.unwrap();

    world.start_worker();
    let paused = world.wait_for(&format!("/api/campaigns/{campaign}"), "state", &["paused"]).await;
    assert_eq!(paused["stateReason"], "ledgerRestored");
    let figures = world.until(&campaign, "settled", |figures| figures["unknown"] == 0 && figures["unconfirmed"].as_i64() > Some(0)).await;
    assert!(figures["planned"].as_i64() >= Some(500), "what cannot have been reached waits: {figures}");
    assert_eq!(world.simulator.messages().len(), sent_before, "nothing is sent until a person says so");

    world.app.post(&format!("/api/campaigns/{campaign}/resume")).await.expect(StatusCode::OK);
    let figures = world.finished(&campaign).await;
    assert_eq!(figures["state"], "completedWithErrors", "{figures}");
    let sends = sends(&world);
    assert!(sends.len() >= sent_before + 500, "{} after {sent_before}", sends.len());
    assert!(sends.values().all(|n| *n == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_made_faster_on_the_way_goes_on_faster() {
    let world = World::start().await;
    world.contacts(300).await;
    let channel = world.channel(5).await;
    let template = world.template(&channel).await;
    let campaign = world.launch(&channel, &template).await;
    world.until(&campaign, "under way", |figures| figures["acceptedOrBetter"].as_i64() >= Some(5)).await;

    world.app.patch_json(&format!("/api/whatsapp/channels/{channel}"), json!({ "messagesPerSecond": 1_000 })).await.expect(StatusCode::OK);
    let figures = world.finished(&campaign).await;
    assert_eq!(figures["accepted"], 300, "{figures}");
    assert!(sends(&world).values().all(|n| *n == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_campaign_says_of_everybody_what_happened() {
    let world = World::start().await;
    world.contacts(300).await;
    let channel = world.channel(100).await;
    let template = world.template(&channel).await;
    let campaign = world.launch(&channel, &template).await;
    world.until(&campaign, "under way", |figures| figures["accepted"].as_i64() >= Some(50)).await;

    world.app.post(&format!("/api/campaigns/{campaign}/cancel")).await.expect(StatusCode::ACCEPTED);
    let figures = world.finished(&campaign).await;
    assert_eq!(figures["state"], "cancelled", "{figures}");
    let sent = i64::try_from(world.simulator.messages().len()).unwrap();
    assert_eq!(figures["acceptedOrBetter"], sent, "{figures}");
    assert_eq!(figures["cancelled"], 300 - sent, "{figures}");
    let page = world.app.get(&format!("/api/campaigns/{campaign}/recipients?state=cancelled&limit=200")).await.expect(StatusCode::OK);
    assert_eq!(page.json::<Value>()["data"].as_array().unwrap().len(), usize::try_from((300 - sent).min(200)).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_acceptance_is_final_and_leads_to_no_second_request() {
    let world = World::start().await;
    world.contacts(40).await;
    let channel = world.channel(1_000).await;
    let template = world.template(&channel).await;
    world.simulator.merge_faults(json!({ "webhook": { "failedShare": 1.0, "failedCode": 131_049 } })).unwrap();
    let campaign = world.launch(&channel, &template).await;
    let figures = world.until(&campaign, "all failed", |figures| figures["failed"] == 40).await;
    assert_eq!(figures["held"], 0);
    assert_eq!(world.simulator.messages().len(), 40);
    let page =
        world.app.get(&format!("/api/campaigns/{campaign}/recipients?state=failed&limit=1")).await.expect(StatusCode::OK).json::<Value>();
    assert_eq!(page["data"][0]["errorCode"], 131_049, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_pauses_the_campaign_and_nobody_is_lost() {
    let world = World::start().await;
    world.contacts(200).await;
    let channel = world.channel(200).await;
    let template = world.template(&channel).await;
    let campaign = world.launch(&channel, &template).await;
    world.until(&campaign, "under way", |figures| figures["accepted"].as_i64() >= Some(40)).await;
    world.simulator.merge_faults(json!({ "tokenExpired": true })).unwrap();
    let paused = world.wait_for(&format!("/api/campaigns/{campaign}"), "state", &["paused"]).await;
    assert_eq!(paused["stateReason"], "pauseAccount:190");
    world.until(&campaign, "quiet", |figures| figures["inFlight"] == 0).await;

    world.simulator.merge_faults(json!({ "tokenExpired": false })).unwrap();
    world.app.post(&format!("/api/campaigns/{campaign}/resume")).await.expect(StatusCode::OK);
    let figures = world.finished(&campaign).await;
    assert_eq!(figures["accepted"], 200, "{figures}");
    assert!(sends(&world).values().all(|n| *n == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_cannot_be_sent_says_why() {
    let world = World::start().await;
    let channel = world.channel(1_000).await;
    let template = world.template(&channel).await;
    let draft = |audience: Value| {
        json!({ "name": "Spring", "channelId": channel, "templateId": template, "audience": audience,
                "variables": { "1": { "field": "name" } } })
    };
    // Nobody there yet.
    let campaign = world.app.post_json("/api/campaigns", draft(json!({ "all": true }))).await.expect(StatusCode::CREATED).json::<Value>();
    let id = campaign["id"].as_str().unwrap();
    let refused = world.app.post(&format!("/api/campaigns/{id}/send")).await.expect(StatusCode::CONFLICT).json::<Value>();
    assert_eq!(refused["type"], "/problems/audience-empty");
    // Rules, each with its field.
    let mut odd = draft(json!({}));
    odd["variables"] = json!({ "2": { "field": "shoeSize" } });
    let refused = world.app.post_json("/api/campaigns", odd).await.expect(StatusCode::BAD_REQUEST).json::<Value>();
    let fields: Vec<&str> = refused["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["audience", "variables.1", "variables.2", "variables.2.field"], "{refused}");
    let mut unknown = draft(json!({ "all": true }));
    unknown["colour"] = json!("red");
    world.app.post_json("/api/campaigns", unknown).await.expect(StatusCode::BAD_REQUEST);
}
