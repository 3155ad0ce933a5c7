//! Templates to begin with, and templates like others.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{
    simulator::Faults,
    wait::{self, Look},
};

use crate::crm_app::{CrmApp, id};

const LIBRARY: &str = "/api/templates/library";

async fn starters(crm: &CrmApp, query: &str) -> Vec<Value> {
    let page: Value = crm.app.get(&format!("{LIBRARY}{query}")).await.expect(StatusCode::OK).json();
    assert_eq!(page["nextCursor"], Value::Null);
    page["data"].as_array().unwrap().clone()
}

async fn acts(crm: &CrmApp) -> Vec<String> {
    let mut owner = crm.app.database.owner().await;
    let query = "select action from audit_events where action = any('{templates.createFromLibrary,templates.duplicate}') order by seq";
    sqlx::query_scalar(query).fetch_all(&mut owner).await.unwrap()
}

#[tokio::test]
async fn starters_are_listed_by_category_and_language() {
    let crm = CrmApp::start().await;
    let all = starters(&crm, "").await;
    assert!(all.iter().all(|starter| starter["translations"].as_array().unwrap().len() >= 7), "{all:?}");
    let codes = starters(&crm, "?category=AUTHENTICATION").await;
    assert!(!codes.is_empty() && codes.iter().all(|starter| starter["category"] == "AUTHENTICATION"));
    let german = starters(&crm, "?category=UTILITY&language=de").await;
    let orders = german.iter().find(|starter| starter["key"] == "order_confirmation").expect("it is there");
    assert_eq!(orders["translations"].as_array().unwrap().len(), 1);
    assert_eq!(orders["translations"][0]["components"][0]["text"], "Ihre Bestellung ist bestätigt");
    assert_eq!((&orders["parameterFormat"], &orders["title"]), (&json!("NAMED"), &json!("Order confirmation")));
    assert_eq!(starters(&crm, "?language=tlh").await.len(), 0);
    let _ = crm.app.get(&format!("{LIBRARY}?category=ODD")).await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_provider_takes_every_starter_in_every_language() {
    let crm = CrmApp::start().await;
    crm.simulator.set_faults(Faults { review_delay_ms: 0, ..Faults::default() });
    let channel = crm.a_channel("100200300").await;
    let mut drafted = 0;
    for starter in starters(&crm, "").await {
        for translation in starter["translations"].as_array().unwrap() {
            let path = format!("{LIBRARY}/{}", starter["key"].as_str().unwrap());
            let input = json!({ "channelId": channel["id"], "language": translation["language"] });
            let draft: Value = crm.app.post_json(&path, input).await.expect(StatusCode::CREATED).json();
            assert_eq!((&draft["status"], &draft["components"]), (&json!("DRAFT"), &translation["components"]));
            let _ = crm.app.post(&format!("/api/templates/{}/submit", id(&draft))).await.expect(StatusCode::ACCEPTED);
            drafted += 1;
        }
    }
    assert_eq!(acts(&crm).await.len(), drafted);
    let look = async || {
        crm.drain().await;
        let there = crm.simulator.templates();
        let reviewed = there.iter().filter(|template| template.status != "PENDING").count();
        Ok(if reviewed == drafted { Look::There(there) } else { Look::NotYet(format!("{reviewed} of {drafted}")) })
    };
    let there = wait::until(Duration::from_mins(2), look).await.expect("all are reviewed");
    let refused: Vec<_> = there.iter().filter(|template| template.status != "APPROVED").collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test]
async fn a_draft_from_a_starter_says_what_is_wrong() {
    let crm = CrmApp::start().await;
    let channel = crm.a_channel("100200300").await;
    let path = format!("{LIBRARY}/win_back");
    let input = |language: &str| json!({ "channelId": channel["id"], "language": language });
    let created: Value = crm.app.post_json(&path, input("en_US")).await.expect(StatusCode::CREATED).json();
    assert_eq!((&created["name"], &created["language"]), (&json!("win_back"), &json!("en_US")));
    crm.app.post_json(&path, input("en_US")).await.problem(StatusCode::CONFLICT, "template-name-taken");
    crm.app.post_json(&path, input("ja")).await.field_problem("language", "unknown");
    crm.app.post_json(&path, json!({ "language": "en" })).await.field_problem("channelId", "unknown");
    let named = json!({ "businessAccountId": channel["businessAccountId"], "language": "en_US", "name": "Come Back" });
    let refused: Value = crm.app.post_json(&path, named).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    assert_eq!(refused["errors"][0]["field"], "name");
    let nothing = format!("{LIBRARY}/nothing");
    crm.app.post_json(&nothing, input("en")).await.problem(StatusCode::NOT_FOUND, "library-template-not-found");
    assert_eq!(acts(&crm).await, ["templates.createFromLibrary"]);
}

#[tokio::test]
async fn a_template_is_duplicated_to_a_language_a_name_and_an_account() {
    let crm = CrmApp::start().await;
    let channel = crm.a_channel("100200300").await;
    let input = json!({ "channelId": channel["id"], "language": "en" });
    let of: Value = crm.app.post_json(&format!("{LIBRARY}/payment_due"), input).await.expect(StatusCode::CREATED).json();
    let path = format!("/api/templates/{}/duplicate", id(&of));
    crm.app.post_json(&path, json!({})).await.problem(StatusCode::CONFLICT, "template-name-taken");
    let italian: Value = crm.app.post_json(&path, json!({ "language": "it" })).await.expect(StatusCode::CREATED).json();
    assert_eq!((&italian["language"], &italian["name"], &italian["components"]), (&json!("it"), &of["name"], &of["components"]));
    assert_eq!((&italian["status"], &italian["parameterFormat"]), (&json!("DRAFT"), &json!("NAMED")));
    let renamed: Value = crm.app.post_json(&path, json!({ "name": "payment_due_b" })).await.expect(StatusCode::CREATED).json();
    assert_eq!((&renamed["name"], &renamed["language"]), (&json!("payment_due_b"), &json!("en")));
    let second = json!({
        "kind": "cloudApi", "displayName": "Second", "phoneNumberId": "100200301", "businessAccountId": "90010002", "accessToken": "EAAG-canary-token",
    });
    let second: Value = crm.app.post_json("/api/whatsapp/channels", second).await.expect(StatusCode::CREATED).json();
    let elsewhere: Value = crm.app.post_json(&path, json!({ "channelId": second["id"] })).await.expect(StatusCode::CREATED).json();
    assert_eq!((&elsewhere["businessAccountId"], &elsewhere["channelId"]), (&json!("90010002"), &second["id"]));
    crm.app.post_json(&path, json!({ "businessAccountId": "404" })).await.field_problem("businessAccountId", "unknown");
    crm.app.post_json(&path, json!({ "language": "xx" })).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    let _ = crm.app.post_json(&path, json!({ "category": "UTILITY" })).await.expect(StatusCode::BAD_REQUEST);
    let stranger = crm.app.stranger().await;
    stranger.client.post_json(&path, json!({ "language": "it" })).await.problem(StatusCode::NOT_FOUND, "template-not-found");
    assert_eq!(acts(&crm).await, ["templates.createFromLibrary", "templates.duplicate", "templates.duplicate", "templates.duplicate"]);
}
