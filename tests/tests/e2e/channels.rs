//! Numbers of an organization.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::crm_app::{CrmApp, id};

#[tokio::test]
async fn a_number_connects_and_never_shows_its_token() {
    let crm = CrmApp::start().await;
    let created = crm.a_channel("100200300").await;
    assert_eq!((created["state"].as_str(), created["messagesPerSecond"].as_u64()), (Some("connecting"), Some(80)));
    crm.drain().await;
    let path = format!("/api/whatsapp/channels/{}", id(&created));
    let answer = crm.app.get(&path).await.expect(StatusCode::OK);
    let channel: Value = answer.json();
    assert_eq!((channel["state"].as_str(), channel["stateReason"].as_str()), (Some("connected"), None), "{channel}");
    assert!(channel["quality"].is_string() && channel["tier"].is_string() && channel["throughput"].is_string(), "{channel}");
    let list = crm.app.get("/api/whatsapp/channels").await.expect(StatusCode::OK);
    assert_eq!(list.json::<Value>()["data"].as_array().unwrap().len(), 1);
    for text in [answer.text(), list.text(), created.to_string()] {
        assert!(!text.contains("canary"), "{text}");
    }
    let changed = crm.app.patch_json(&path, json!({ "displayName": "Store", "accessToken": "EAAG-other" })).await.expect(StatusCode::OK);
    assert_eq!((&changed.json::<Value>()["displayName"], &changed.json::<Value>()["state"]), (&json!("Store"), &json!("connecting")));
    crm.drain().await;
    assert_eq!(crm.app.get(&path).await.json::<Value>()["state"], "connected");
    let _ = crm.app.delete(&path).await.expect(StatusCode::NO_CONTENT);
    crm.app.get(&path).await.problem(StatusCode::NOT_FOUND, "channel-not-found");
}

#[tokio::test]
async fn a_number_of_a_stranger_cannot_be_taken() {
    let crm = CrmApp::start().await;
    let ours = crm.a_channel("100200300").await;
    crm.drain().await;
    let stranger = crm.app.stranger().await;
    let body = json!({
        "kind": "cloudApi", "displayName": "Mine", "phoneNumberId": "100200300", "businessAccountId": "90010001", "accessToken": "EAAG-theirs",
    });
    let theirs: Value = stranger.client.post_json("/api/whatsapp/channels", body).await.expect(StatusCode::CREATED).json();
    crm.drain().await;
    let theirs: Value = stranger.client.get(&format!("/api/whatsapp/channels/{}", id(&theirs))).await.json();
    assert_eq!(theirs["state"], "disconnected", "{theirs}");
    let path = format!("/api/whatsapp/channels/{}", id(&ours));
    assert_eq!(crm.app.get(&path).await.json::<Value>()["state"], "connected");
    stranger.client.get(&path).await.problem(StatusCode::NOT_FOUND, "channel-not-found");
    stranger.client.delete(&path).await.problem(StatusCode::NOT_FOUND, "channel-not-found");
}

#[tokio::test]
async fn only_admins_connect_numbers_and_input_is_checked() {
    let crm = CrmApp::start().await;
    let agent = crm.app.colleague("agent").await;
    let body = json!({
        "kind": "cloudApi", "displayName": "Shop", "phoneNumberId": "1", "businessAccountId": "1", "accessToken": "x", "messagesPerSecond": 0,
    });
    agent.client.post_json("/api/whatsapp/channels", body.clone()).await.problem(StatusCode::FORBIDDEN, "right-missing");
    let _ = agent.client.get("/api/whatsapp/channels").await.expect(StatusCode::OK);
    crm.app.post_json("/api/whatsapp/channels", body.clone()).await.field_problem("messagesPerSecond", "out-of-range");
    let mut odd = body;
    odd["kind"] = "pigeon".into();
    crm.app.post_json("/api/whatsapp/channels", odd).await.field_problem("kind", "unknown-value");
}
