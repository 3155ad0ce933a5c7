//! Templates from draft to approval.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::simulator::Faults;

use crate::crm_app::{CrmApp, id};

fn offer(channel: &Value) -> Value {
    json!({
        "channelId": channel["id"],
        "name": "offer",
        "language": "en_US",
        "category": "MARKETING",
        "parameterFormat": "POSITIONAL",
        "components": [
            { "type": "BODY", "text": "Hello {{1}}, take {{2}} off.", "example": { "body_text": [["Ada", "20 %"]] } },
            { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "Stop" }] },
        ],
    })
}

#[tokio::test]
async fn a_template_is_drafted_submitted_and_approved() {
    let crm = CrmApp::start().await;
    crm.simulator.set_faults(Faults { review_delay_ms: 0, ..Faults::default() });
    let channel = crm.a_channel("100200300").await;
    let created: Value = crm.app.post_json("/api/templates", offer(&channel)).await.expect(StatusCode::CREATED).json();
    assert_eq!((&created["status"], &created["variables"]), (&json!("DRAFT"), &json!(["1", "2"])));
    let path = format!("/api/templates/{}", id(&created));
    let submitted: Value = crm.app.post(&format!("{path}/submit")).await.expect(StatusCode::ACCEPTED).json();
    assert_eq!(submitted["status"], "SUBMITTING");
    let _ = crm.app.post(&format!("{path}/submit")).await.expect(StatusCode::ACCEPTED);
    let approved = async {
        loop {
            crm.drain().await;
            let template: Value = crm.app.get(&path).await.json();
            if template["status"] == "APPROVED" {
                return template;
            }
            tokio::task::yield_now().await;
        }
    };
    let template = tokio::time::timeout(Duration::from_secs(20), approved).await.expect("an approval");
    let history: Vec<&str> = template["history"].as_array().unwrap().iter().map(|event| event["status"].as_str().unwrap()).collect();
    assert_eq!(history.first(), Some(&"DRAFT"));
    assert_eq!(history.last(), Some(&"APPROVED"));
    assert!(template["providerId"].is_string());
    crm.app.put_json(&path, json!({ "language": "de" })).await.field_problem("language", "fixed");
    crm.app.post(&format!("{path}/submit")).await.problem(StatusCode::CONFLICT, "template-not-submittable");
    crm.app.delete(&format!("/api/whatsapp/channels/{}", id(&channel))).await.problem(StatusCode::CONFLICT, "channel-in-use");
}

#[tokio::test]
async fn a_preview_names_what_is_missing() {
    let crm = CrmApp::start().await;
    let channel = crm.a_channel("100200300").await;
    let created: Value = crm.app.post_json("/api/whatsapp/templates", offer(&channel)).await.expect(StatusCode::CREATED).json();
    let path = format!("/api/templates/{}/preview", id(&created));
    crm.app.post_json(&path, json!({ "variables": { "1": "Ada" } })).await.field_problem("variables.2", "variable-missing");
    crm.app.post(&path).await.field_problem("variables.1", "variable-missing");
    let contact: Value = crm.app.post_json("/api/contacts", json!({ "name": "Ada" })).await.expect(StatusCode::CREATED).json();
    let body =
        json!({ "variables": { "1": { "field": "name", "fallback": "there" }, "2": { "value": "20 %" } }, "contactId": contact["id"] });
    let shown: Value = crm.app.post_json(&path, body).await.expect(StatusCode::OK).json();
    assert_eq!(shown["body"], "Hello Ada, take 20 % off.");
    assert_eq!(shown["components"][0]["parameters"][0], json!({ "type": "text", "text": "Ada" }));
    let unknown = json!({ "variables": {}, "contactId": created["id"] });
    crm.app.post_json(&path, unknown).await.problem(StatusCode::NOT_FOUND, "contact-not-found");
}

#[tokio::test]
async fn broken_rules_are_named_and_drafts_changed() {
    let crm = CrmApp::start().await;
    let channel = crm.a_channel("100200300").await;
    let mut broken = offer(&channel);
    broken["components"][0]["text"] = "Hello {{2}}".into();
    crm.app.post_json("/api/templates", broken).await.field_problem("components[0].text", "placeholder-order");
    let mut nowhere = offer(&channel);
    nowhere["channelId"] = "0197a1b2-0000-7000-8000-000000000000".into();
    crm.app.post_json("/api/templates", nowhere).await.field_problem("channelId", "unknown");
    let created: Value = crm.app.post_json("/api/templates", offer(&channel)).await.expect(StatusCode::CREATED).json();
    crm.app.post_json("/api/templates", offer(&channel)).await.problem(StatusCode::CONFLICT, "template-name-taken");
    let path = format!("/api/templates/{}", id(&created));
    let mut whole = offer(&channel);
    whole["name"] = "better_offer".into();
    let changed: Value = crm.app.put_json(&path, whole).await.expect(StatusCode::OK).json();
    assert_eq!((&changed["name"], &changed["version"]), (&json!("better_offer"), &json!(2)));
    let found: Value = crm.app.get("/api/templates?q=better&status=DRAFT").await.json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let stranger = crm.app.stranger().await;
    stranger.client.get(&path).await.problem(StatusCode::NOT_FOUND, "template-not-found");
    stranger.client.post(&format!("{path}/submit")).await.problem(StatusCode::NOT_FOUND, "template-not-found");
    let _ = crm.app.delete(&path).await.expect(StatusCode::NO_CONTENT);
    let _ = crm.app.post("/api/templates/sync").await.expect(StatusCode::ACCEPTED);
}
