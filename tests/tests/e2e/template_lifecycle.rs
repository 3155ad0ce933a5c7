//! Templates after their first approval: changes, versions, limits and deletion.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{
    simulator::Faults,
    wait::{self, Look},
};

use crate::crm_app::{CrmApp, id};

fn offer(channel: &Value) -> Value {
    json!({
        "channelId": channel["id"],
        "name": "offer",
        "language": "en_US",
        "category": "MARKETING",
        "parameterFormat": "POSITIONAL",
        "components": [body("take {{2}} off")],
    })
}

fn body(what: &str) -> Value {
    json!({ "type": "BODY", "text": format!("Hello {{{{1}}}}, {what} today."), "example": { "body_text": [["Ada", "20 %"]] } })
}

/// A number with an approved template: the path of the template.
async fn approved(crm: &CrmApp) -> String {
    crm.simulator.set_faults(Faults { review_delay_ms: 0, ..Faults::default() });
    let channel = crm.a_channel("100200300").await;
    let created: Value = crm.app.post_json("/api/templates", offer(&channel)).await.expect(StatusCode::CREATED).json();
    let path = format!("/api/templates/{}", id(&created));
    let _ = crm.app.post(&format!("{path}/submit")).await.expect(StatusCode::ACCEPTED);
    until_status(crm, &path, "APPROVED").await;
    path
}

/// Runs jobs until the template has the status, and answers it.
async fn until_status(crm: &CrmApp, path: &str, status: &str) -> Value {
    let look = async || {
        crm.drain().await;
        let template: Value = crm.app.get(path).await.expect(StatusCode::OK).json();
        Ok(if template["status"] == status { Look::There(template) } else { Look::NotYet(format!("not {status}: {template}")) })
    };
    wait::until(Duration::from_secs(30), look).await.expect("it comes to that")
}

#[tokio::test]
async fn an_approved_template_is_changed_by_a_draft_and_keeps_its_versions() {
    let crm = CrmApp::start().await;
    let path = approved(&crm).await;
    let shown: Value = crm.app.get(&path).await.json();
    assert_eq!((&shown["draft"], &shown["campaignsUnderWay"], &shown["problems"]), (&Value::Null, &json!(0), &json!([])));
    let change = json!({ "components": [body("now take {{2}} off")] });
    let changed: Value = crm.app.put_json(&path, change.clone()).await.expect(StatusCode::OK).json();
    assert_eq!((&changed["status"], &changed["draft"]["state"]), (&json!("APPROVED"), &json!("draft")));
    assert_eq!(changed["components"], shown["components"]);
    let _ = crm.app.delete(&format!("{path}/draft")).await.expect(StatusCode::NO_CONTENT);
    crm.app.delete(&format!("{path}/draft")).await.problem(StatusCode::NOT_FOUND, "template-draft-not-found");
    let _ = crm.app.put_json(&path, change).await.expect(StatusCode::OK);
    let submitted: Value = crm.app.post(&format!("{path}/submit")).await.expect(StatusCode::ACCEPTED).json();
    assert_eq!((&submitted["status"], &submitted["draft"]["state"]), (&json!("APPROVED"), &json!("submitting")));
    let taken = wait::until(Duration::from_secs(30), async || {
        crm.drain().await;
        let template: Value = crm.app.get(&path).await.json();
        let there = template["version"] == 2 && template["status"] == "APPROVED";
        Ok(if there { Look::There(template) } else { Look::NotYet(template.to_string()) })
    });
    let taken = taken.await.expect("the change is approved");
    assert_eq!((&taken["components"], &taken["draft"]), (&json!([body("now take {{2}} off")]), &Value::Null));
    let steps = taken["history"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["kind"] == "content" && step["details"] == json!({ "version": 2 })), "{steps:?}");
    let versions: Value = crm.app.get(&format!("{path}/versions?limit=1")).await.expect(StatusCode::OK).json();
    assert_eq!(versions["data"][0]["version"], 2);
    let next = format!("{path}/versions?limit=1&cursor={}", versions["nextCursor"].as_str().unwrap());
    let versions: Value = crm.app.get(&next).await.expect(StatusCode::OK).json();
    assert_eq!((&versions["data"][0]["components"], &versions["nextCursor"]), (&shown["components"], &Value::Null));
    let _ = crm.app.put_json(&path, json!({ "components": [body("take all of {{2}}")] })).await.expect(StatusCode::OK);
    crm.app.post(&format!("{path}/submit")).await.problem(StatusCode::CONFLICT, "template-edit-limit");
    let stranger = crm.app.stranger().await;
    stranger.client.delete(&format!("{path}/draft")).await.problem(StatusCode::NOT_FOUND, "template-not-found");
    stranger.client.get(&format!("{path}/versions")).await.problem(StatusCode::NOT_FOUND, "template-not-found");
}

#[tokio::test]
async fn a_deleted_template_is_gone_at_the_provider_and_stays_on_record() {
    let crm = CrmApp::start().await;
    let path = approved(&crm).await;
    let deleting: Value = crm.app.delete(&path).await.expect(StatusCode::ACCEPTED).json();
    assert_eq!(deleting["status"], "DELETING");
    crm.app.put_json(&path, json!({})).await.problem(StatusCode::CONFLICT, "template-not-editable");
    let deleted = until_status(&crm, &path, "DELETED").await;
    assert!(deleted["deletedAt"].is_string());
    let listed = async |query: &str| {
        let page: Value = crm.app.get(&format!("/api/templates{query}")).await.expect(StatusCode::OK).json();
        page["data"].as_array().unwrap().len()
    };
    assert_eq!((listed("").await, listed("?status=DELETED").await), (0, 1));
    let again = offer(&json!({ "id": deleted["channelId"] }));
    crm.app.post_json("/api/templates", again).await.field_problem("name", "blocked");
    // A comparison with the provider does not bring it back.
    let _ = crm.app.post("/api/templates/sync").await.expect(StatusCode::ACCEPTED);
    crm.drain().await;
    assert_eq!((listed("").await, listed("?status=DELETED").await), (0, 1));
}

#[tokio::test]
async fn a_name_is_deleted_in_all_its_languages() {
    let crm = CrmApp::start().await;
    let path = approved(&crm).await;
    let shown: Value = crm.app.get(&path).await.json();
    let mut german = offer(&json!({ "id": shown["channelId"] }));
    german["language"] = "de".into();
    let german: Value = crm.app.post_json("/api/templates", german).await.expect(StatusCode::CREATED).json();
    let account = shown["businessAccountId"].as_str().unwrap();
    crm.app
        .delete(&format!("/api/templates?name=nothing&businessAccountId={account}"))
        .await
        .problem(StatusCode::NOT_FOUND, "template-not-found");
    crm.app.delete("/api/templates?name=offer").await.field_problem("channelId", "unknown");
    let named = format!("/api/templates?name=offer&businessAccountId={account}");
    let begun: Value = crm.app.delete(&named).await.expect(StatusCode::ACCEPTED).json();
    assert_eq!((begun["data"].as_array().unwrap().len(), &begun["data"][0]["id"]), (1, &shown["id"]));
    crm.app.get(&format!("/api/templates/{}", id(&german))).await.problem(StatusCode::NOT_FOUND, "template-not-found");
    until_status(&crm, &path, "DELETED").await;
}

#[tokio::test]
async fn lists_are_narrowed_and_the_time_to_live_is_kept() {
    let crm = CrmApp::start().await;
    let channel = crm.a_channel("100200300").await;
    let mut utility = offer(&channel);
    utility["name"] = "receipt".into();
    utility["category"] = "UTILITY".into();
    utility["messageSendTtlSeconds"] = 600.into();
    let receipt: Value = crm.app.post_json("/api/templates", utility).await.expect(StatusCode::CREATED).json();
    assert_eq!(receipt["messageSendTtlSeconds"], 600);
    let mut german = offer(&channel);
    german["language"] = "de".into();
    for template in [offer(&channel), german] {
        let _ = crm.app.post_json("/api/templates", template).await.expect(StatusCode::CREATED);
    }
    let account = channel["businessAccountId"].as_str().unwrap();
    let both = format!("?q=offer&language=de&channelId={}&businessAccountId={account}&status=DRAFT&category=MARKETING", id(&channel));
    for (query, found) in [("?category=UTILITY", 1), ("?language=en_US", 2), ("?q=off", 2), (&both, 1), ("?businessAccountId=1", 0)] {
        let page: Value = crm.app.get(&format!("/api/templates{query}")).await.expect(StatusCode::OK).json();
        assert_eq!(page["data"].as_array().unwrap().len(), found, "{query}");
    }
    let path = format!("/api/templates/{}", id(&receipt));
    let changed: Value = crm.app.put_json(&path, json!({ "name": "receipt_two" })).await.expect(StatusCode::OK).json();
    assert_eq!(changed["messageSendTtlSeconds"], 600);
    let changed: Value = crm.app.put_json(&path, json!({ "messageSendTtlSeconds": null })).await.expect(StatusCode::OK).json();
    assert_eq!(changed["messageSendTtlSeconds"], Value::Null);
}

#[tokio::test]
async fn the_limit_of_creations_is_that_of_the_account_whoever_asks() {
    let crm = CrmApp::start().await;
    let channel = crm.a_channel("100200300").await;
    crm.drain().await;
    let mut owner = crm.app.database.owner().await;
    sqlx::query(
        "insert into template_creations (business_account_id, created_at, id)
         select $1, now(), gen_random_uuid() from generate_series(1, 100)",
    )
    .bind(channel["businessAccountId"].as_str())
    .execute(&mut owner)
    .await
    .unwrap();
    let created: Value = crm.app.post_json("/api/templates", offer(&channel)).await.expect(StatusCode::CREATED).json();
    let path = format!("/api/templates/{}", id(&created));
    let _ = crm.app.post(&format!("{path}/submit")).await.expect(StatusCode::ACCEPTED);
    crm.drain().await;
    assert_eq!(crm.app.get(&path).await.json::<Value>()["status"], "SUBMITTING");
    sqlx::query("update template_creations set created_at = created_at - interval '1 hour'").execute(&mut owner).await.unwrap();
    until_status(&crm, &path, "APPROVED").await;
}
