//! The checklist of a new organization.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{app::Client, app::TestApp, world::World};

const ONBOARDING: &str = "/api/organizations/current/onboarding";

async fn list(client: &Client) -> Value {
    client.get(ONBOARDING).await.expect(StatusCode::OK).json()
}

fn done(list: &Value) -> Vec<&str> {
    let steps = list["steps"].as_array().expect("steps").iter();
    steps.filter(|step| step["done"] == true).map(|step| step["key"].as_str().expect("a word")).collect()
}

#[tokio::test]
async fn whoever_signed_up_can_work_at_once_and_sees_what_is_missing() {
    let app = TestApp::start().await;
    let list = list(&app.admin.client).await;
    let keys: Vec<_> = list["steps"].as_array().unwrap().iter().map(|step| step["key"].as_str().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "emailVerified",
            "profileCompleted",
            "logoUploaded",
            "whatsappNumberGiven",
            "channelConnected",
            "templateApproved",
            "contactsAdded",
            "campaignLaunched",
            "colleagueInvited"
        ]
    );
    assert_eq!((&list["done"], &list["total"], &list["dismissedAt"]), (&json!(0), &json!(9), &json!(null)));
    assert_eq!(list["steps"][1]["missing"], json!(["businessCategory", "address", "city", "country"]));
    // Nothing of it stands in the way of anything.
    let _ = app.post_json("/api/contacts", json!({ "name": "Grace", "phoneNumber": "+12025550123" })).await.expect(StatusCode::CREATED);
    assert_eq!(done(&self::list(&app.admin.client).await), ["contactsAdded"]);
}

#[tokio::test]
async fn the_whatsapp_number_is_given_and_taken_back_through_the_profile() {
    let app = TestApp::start().await;
    let current = "/api/organizations/current";
    let _ = app.put_json(current, json!({ "whatsappNumber": "+4915123456789" })).await.expect(StatusCode::OK);
    assert_eq!(done(&list(&app.admin.client).await), ["whatsappNumberGiven"]);
    let _ = app.put_json(current, json!({ "whatsappNumber": null })).await.expect(StatusCode::OK);
    let profile = json!({ "businessCategory": "Computing", "address": "1 Dorset Street", "city": "London", "country": "GB" });
    let _ = app.put_json(current, profile).await.expect(StatusCode::OK);
    assert_eq!(done(&list(&app.admin.client).await), ["profileCompleted"]);
}

#[tokio::test]
async fn an_admin_puts_the_list_away_for_all_and_takes_it_out_again() {
    let app = TestApp::start().await;
    let viewer = app.colleague("viewer").await;
    let stranger = app.stranger().await;
    for action in ["dismiss", "restore"] {
        let path = format!("{ONBOARDING}/{action}");
        viewer.client.post(&path).await.problem(StatusCode::FORBIDDEN, "right-missing");
        for _ in 0..2 {
            let _ = app.post(&path).await.expect(StatusCode::NO_CONTENT);
        }
        let away = action == "dismiss";
        assert_eq!(list(&viewer.client).await["dismissedAt"].is_string(), away);
        assert!(list(&stranger.client).await["dismissedAt"].is_null(), "another organization has its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_ticked_off_by_what_really_happens() {
    let world = World::start().await;
    let client = &world.app.admin.client;
    let channel = world.channel(1_000).await;
    assert_eq!(done(&list(client).await), ["channelConnected"]);
    let template = world.template(&channel).await;
    assert_eq!(done(&list(client).await), ["channelConnected", "templateApproved"]);
    world.contacts(3).await;
    assert_eq!(done(&list(client).await), ["channelConnected", "templateApproved", "contactsAdded"]);
    let campaign = world.launch(&channel, &template).await;
    assert_eq!(done(&list(client).await), ["channelConnected", "templateApproved", "contactsAdded", "campaignLaunched"]);
    world.finished(&campaign).await;
}
