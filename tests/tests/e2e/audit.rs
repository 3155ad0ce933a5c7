//! The audit log: every privileged act leaves an entry, and nobody changes one unnoticed.

use api::upkeep;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use crm::{secrets::Rotation, webhooks::Folder};
use db::DbOptions;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Clock, JobId};
use reqwest::{Method, StatusCode};
use runtime::Config;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use tests::app::{TestApp, registration};

use crate::crm_app::{CrmApp, id};

/// All entries that the log of the admin's organization has, the oldest first.
async fn log(app: &TestApp) -> Vec<Value> {
    let page: Value = app.get("/api/audit-log?limit=200").await.expect(StatusCode::OK).json();
    assert_eq!(page["nextCursor"], Value::Null);
    page["data"].as_array().unwrap().iter().rev().cloned().collect()
}

/// The entries behind the first `known` ones: action and target.
async fn acts_since(app: &TestApp, known: usize) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    log(app).await[known..].iter().map(|entry| (text(&entry["action"]), text(&entry["target"]["id"]))).collect()
}

/// The settings that a command run beside the API has.
fn settings(app: &TestApp) -> Config {
    app.state.config.clone()
}

async fn verified(app: &TestApp) -> (Result<(), String>, String) {
    let mut out = Vec::new();
    let outcome = upkeep::verify_audit(&settings(app), None, None, &mut out).await;
    (outcome.map_err(|error| format!("{error:#}")), String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn an_instant_before_all_that_can_be_stored_is_told_to_be_one() {
    let app = TestApp::start().await;
    let answer = app.get("/api/audit-log?from=-200000-01-01T00:00:00Z").await;
    answer.problem(StatusCode::BAD_REQUEST, "instant-out-of-range");
    let far: Value = app.get("/api/audit-log?to=%2B200000-01-01T00:00:00Z").await.expect(StatusCode::OK).json();
    assert_ne!(far["data"], json!([]));
}

#[tokio::test]
async fn every_privileged_act_leaves_an_entry_and_a_refused_one_none() {
    let crm = CrmApp::start().await;
    let app = &crm.app;
    let before = log(app).await.len();

    let channel = crm.a_channel("100200300").await;
    let path = format!("/api/whatsapp/channels/{}", id(&channel));
    app.patch_json(&path, json!({ "displayName": "Store" })).await.expect(StatusCode::OK);
    app.patch_json(&path, json!({ "displayName": "Shop", "accessToken": "EAAG-canary-other" })).await.expect(StatusCode::OK);
    app.patch_json(&path, json!({ "messagesPerSecond": 0 })).await.expect(StatusCode::BAD_REQUEST);
    crm.drain().await;

    let offer = json!({
        "channelId": id(&channel), "name": "spring_offer", "language": "en_US", "category": "MARKETING", "parameterFormat": "POSITIONAL",
        "components": [{ "type": "BODY", "text": "Hello {{1}}, spring is here.", "example": { "body_text": [["Ada"]] } }],
    });
    let template: Value = app.post_json("/api/templates", offer.clone()).await.expect(StatusCode::CREATED).json();
    let mut other = offer;
    other["name"] = json!("summer_offer");
    let unused: Value = app.post_json("/api/templates", other.clone()).await.expect(StatusCode::CREATED).json();
    app.post(&format!("/api/templates/{}/submit", id(&template))).await.expect(StatusCode::ACCEPTED);
    let of_unused = format!("/api/whatsapp/templates/{}", id(&unused));
    app.patch_json(&of_unused, json!({ "name": "Not a name" })).await.expect(StatusCode::BAD_REQUEST);
    app.patch_json(&of_unused, json!({ "category": "UTILITY", "name": "autumn_offer" })).await.expect(StatusCode::OK);
    app.delete(&format!("/api/templates/{}", id(&unused))).await.expect(StatusCode::NO_CONTENT);
    let third: Value = app.post_json("/api/whatsapp/templates", other).await.expect(StatusCode::CREATED).json();
    let of_name = format!("/api/templates?name=summer_offer&channelId={}", id(&channel));
    app.delete(&of_name).await.expect(StatusCode::NO_CONTENT);
    app.post("/api/templates/sync").await.expect(StatusCode::ACCEPTED);
    let approved = async {
        while app.get(&format!("/api/templates/{}", id(&template))).await.json::<Value>()["status"] != "APPROVED" {
            crm.drain().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), approved).await.expect("an approval");

    let csv = "phoneNumber,name,optIn,tags\n+12025560001,Canary,optedIn,spring\n";
    let import: Value =
        app.admin.client.post_file("/api/contacts/import", "text/csv", csv.into()).await.expect(StatusCode::ACCEPTED).json();
    crm.drain().await;
    let contact: Value = app.post_json("/api/contacts", json!({ "name": "Canary" })).await.expect(StatusCode::CREATED).json();
    app.delete(&format!("/api/contacts/{}", id(&contact))).await.expect(StatusCode::NO_CONTENT);

    let draft = json!({
        "name": "Spring", "channelId": id(&channel), "templateId": id(&template), "audience": { "tags": ["spring"] },
        "variables": { "1": { "field": "name", "fallback": "there" } },
    });
    let campaign: Value = app.post_json("/api/campaigns", draft.clone()).await.expect(StatusCode::CREATED).json();
    let dropped: Value = app.post_json("/api/campaigns", draft).await.expect(StatusCode::CREATED).json();
    app.delete(&format!("/api/campaigns/{}", id(&dropped))).await.expect(StatusCode::NO_CONTENT);
    app.post(&format!("/api/campaigns/{}/send", id(&campaign))).await.expect(StatusCode::ACCEPTED);
    crm.drain().await;
    app.post(&format!("/api/campaigns/{}/pause", id(&campaign))).await.expect(StatusCode::OK);
    app.post(&format!("/api/campaigns/{}/pause", id(&campaign))).await.expect(StatusCode::CONFLICT);
    app.post(&format!("/api/campaigns/{}/resume", id(&campaign))).await.expect(StatusCode::OK);
    app.post(&format!("/api/campaigns/{}/cancel", id(&campaign))).await.expect(StatusCode::ACCEPTED);
    app.delete(&path).await.expect(StatusCode::CONFLICT);
    let forgotten = crm.a_channel("100200301").await;
    app.delete(&format!("/api/whatsapp/channels/{}", id(&forgotten))).await.expect(StatusCode::NO_CONTENT);

    let job = JobId::at(app.clock.now());
    sqlx::query(
        "insert into jobs (id, organization_id, kind, queue, payload, state) values ($1, $2, 'tests.nothing', 'bulk', '{}', 'dead')",
    )
    .bind(job.uuid())
    .bind(app.admin.organization)
    .execute(&mut app.database.owner().await)
    .await
    .unwrap();
    app.post(&format!("/api/jobs/{job}/retry")).await.expect(StatusCode::OK);
    app.post(&format!("/api/jobs/{job}/discard")).await.expect(StatusCode::OK);
    app.post(&format!("/api/jobs/{job}/discard")).await.expect(StatusCode::CONFLICT);
    let event = a_webhook(app).await;
    app.post(&format!("/api/webhook-events/{event}/replay")).await.expect(StatusCode::ACCEPTED);

    let channel = id(&channel);
    let expected = [
        ("channels.create", channel),
        ("channels.update", channel),
        ("channels.replaceToken", channel),
        ("templates.create", id(&template)),
        ("templates.create", id(&unused)),
        ("templates.submit", id(&template)),
        ("templates.update", id(&unused)),
        ("templates.delete", id(&unused)),
        ("templates.create", id(&third)),
        ("templates.deleteName", ""),
        ("templates.sync", ""),
        ("templates.approved", id(&template)),
        ("contacts.import", import["importId"].as_str().unwrap()),
        ("contacts.delete", id(&contact)),
        ("campaigns.delete", id(&dropped)),
        ("campaigns.launch", id(&campaign)),
        ("campaigns.pause", id(&campaign)),
        ("campaigns.resume", id(&campaign)),
        ("campaigns.cancel", id(&campaign)),
        ("channels.create", id(&forgotten)),
        ("channels.delete", id(&forgotten)),
        ("jobs.retry", &job.to_string()),
        ("jobs.discard", &job.to_string()),
        ("webhookEvents.replay", &event),
    ];
    let expected: Vec<_> = expected.map(|(action, target)| (action.to_owned(), target.to_owned())).into();
    assert_eq!(acts_since(app, before).await, expected);

    let entries = log(app).await;
    // What the provider decided is nobody's act here.
    for entry in entries[before..].iter().filter(|entry| entry["action"] != "templates.approved") {
        assert_eq!(entry["actor"], json!({ "kind": "user", "id": app.admin.user.to_string(), "name": "Ada Lovelace" }), "{entry}");
    }
    assert_eq!(entries[before + 2]["details"], json!({ "fields": ["displayName", "accessToken"] }));
    let details = |action: &str| &entries[before..].iter().find(|entry| entry["action"] == action).unwrap()["details"];
    assert_eq!(*details("templates.create"), json!({ "name": "spring_offer", "language": "en_US" }));
    assert_eq!(*details("templates.update"), json!({ "fields": ["name", "category"], "draft": false }));
    assert_eq!(details("templates.deleteName")["name"], "summer_offer");
    assert_eq!(details("templates.deleteName")["removed"], json!([id(&third)]));
    assert!(details("templates.deleteName")["businessAccountId"].is_string());
    let told = format!("{entries:?}");
    assert!(!told.contains("canary") && !told.contains("Canary") && !told.contains("2025560001"), "{told}");
    let (outcome, out) = verified(app).await;
    assert_eq!(outcome, Ok(()), "{out}");
}

/// A request of the provider that nobody understands: everybody may have it applied again.
async fn a_webhook(app: &TestApp) -> String {
    let body = b"{\"entry\": [[[";
    let secret = app.state.config.whatsapp.app_secrets().remove(0);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).unwrap();
    mac.update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let request = app.anybody().request(Method::POST, "/api/whatsapp/webhook").header("content-type", "application/json");
    app.anybody().send(request.header("x-hub-signature-256", signature).body(body.to_vec())).await.expect(StatusCode::OK);
    Folder::new(app.database.db(), &DbOptions::new(app.database.app_url(), "test")).drain().await.unwrap();
    let page: Value = app.get("/api/webhook-events").await.expect(StatusCode::OK).json();
    id(&page["data"][0]).to_owned()
}

#[tokio::test]
async fn the_log_is_filtered_paged_and_shown_to_admins_of_the_organization_only() {
    let crm = CrmApp::start().await;
    let app = &crm.app;
    let channel = crm.a_channel("100200300").await;
    let path = format!("/api/whatsapp/channels/{}", id(&channel));
    for name in ["A", "B", "C"] {
        app.patch_json(&path, json!({ "displayName": name })).await.expect(StatusCode::OK);
    }
    let colleague = app.colleague("admin").await;
    colleague.client.patch_json(&path, json!({ "displayName": "D" })).await.expect(StatusCode::OK);
    let actions = async |query: &str| {
        let page: Value = app.get(&format!("/api/audit-log{query}")).await.expect(StatusCode::OK).json();
        page["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(actions("?action=channels.update").await.len(), 4);
    assert_eq!(actions("?action=channels.").await.len(), 5);
    assert_eq!(actions(&format!("?actorId={}&action=channels.", colleague.user)).await, ["channels.update"]);
    assert_eq!(actions(&format!("?targetId={}", id(&channel))).await.len(), 5);
    assert_eq!(actions("?to=2020-01-01T00:00:00Z").await, [""; 0]);
    assert_eq!(actions("?from=2020-01-01T00:00:00Z&action=channels.create").await, ["channels.create"]);
    app.get("/api/audit-log?from=yesterday").await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    app.get("/api/audit-log?action=%00").await.field_problem("action", "unstorable-text");

    let (mut seqs, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page: Value = app.get(&format!("/api/audit-log{query}")).await.expect(StatusCode::OK).json();
        seqs.extend(page["data"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    let newest = i64::try_from(seqs.len()).unwrap();
    assert_eq!(seqs, (1..=newest).rev().collect::<Vec<_>>());

    let stranger = app.stranger().await;
    let theirs: Value = stranger.client.get("/api/audit-log?action=channels.").await.expect(StatusCode::OK).json();
    assert_eq!(theirs["data"], json!([]));
    let viewer = app.colleague("viewer").await;
    viewer.client.get("/api/audit-log").await.problem(StatusCode::FORBIDDEN, "right-missing");
    viewer.client.get("/api/audit-log/export.csv").await.problem(StatusCode::FORBIDDEN, "right-missing");
    app.anybody().get("/api/audit-log").await.problem(StatusCode::UNAUTHORIZED, "sign-in-required");
}

#[tokio::test]
async fn an_export_needs_a_fresh_proof_is_recorded_and_safe_in_a_spreadsheet() {
    let app = TestApp::start().await;
    let mut body = registration();
    body["firstName"] = json!("=HYPERLINK(\"http://evil.example\")");
    let admin = app.anybody().register_with(body).await;
    let export = admin.client.get("/api/audit-log/export.csv").await.expect(StatusCode::OK);
    assert_eq!(export.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = export.text();
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(rows.headers().unwrap().iter().take(3).collect::<Vec<_>>(), ["seq", "at", "actorKind"]);
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let newest = &rows[0];
    assert_eq!((&newest[5], &newest[3]), ("auditLog.export", admin.user.to_string().as_str()));
    assert!(newest[4].starts_with("'=HYPERLINK"), "{newest:?}");
    assert_eq!(rows.len(), newest[0].parse::<usize>().unwrap(), "all of them");

    app.clock.advance(TimeDelta::minutes(11));
    admin.client.get("/api/audit-log/export.csv").await.problem(StatusCode::FORBIDDEN, "step-up-required");
    let _ = admin.client.get("/api/audit-log").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_command_names_the_entry_that_was_changed_and_fails() {
    let crm = CrmApp::start().await;
    let _ = crm.a_channel("100200300").await;
    let (outcome, out) = verified(&crm.app).await;
    assert_eq!(outcome, Ok(()));
    assert!(out.contains("entries of 1 organizations were looked at"), "{out}");
    let (seq, organization) = (log(&crm.app).await.len(), crm.app.admin.organization);
    sqlx::raw_sql(
        "alter table audit_events disable trigger append_only;
         update audit_events set details = '{}' where action = 'channels.create';
         alter table audit_events enable trigger append_only",
    )
    .execute(&mut crm.app.database.owner().await)
    .await
    .unwrap();
    let (outcome, out) = verified(&crm.app).await;
    assert!(outcome.unwrap_err().contains("not what was recorded"));
    assert!(out.contains(&format!("organization {organization}: entry {seq} was changed")), "{out}");
}

#[tokio::test]
async fn anchors_from_the_logs_are_compared_and_a_file_without_any_is_refused() {
    let crm = CrmApp::start().await;
    let _ = crm.a_channel("100200300").await;
    let organization = crm.app.admin.organization;
    let hash: String =
        sqlx::query_scalar("select encode(hash, 'hex') from audit_heads").fetch_one(&mut crm.app.database.owner().await).await.unwrap();
    let seq = log(&crm.app).await.len();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let compared = async |lines: String| {
        std::fs::write(&path, lines).unwrap();
        let mut out = Vec::new();
        let outcome = upkeep::verify_audit(&settings(&crm.app), Some(organization), Some(&path), &mut out).await;
        (outcome.map_err(|error| format!("{error:#}")), String::from_utf8(out).unwrap())
    };
    let line = |hash: &str| format!("{{\"level\":\"INFO\",\"message\":\"audit anchor {organization} {seq} {hash}\"}}\n");
    let (outcome, out) = compared(format!("something else\n{}", line(&hash))).await;
    assert_eq!(outcome, Ok(()));
    assert!(out.contains("1 anchors were compared"), "{out}");
    let (outcome, out) = compared(line(&"00".repeat(32))).await;
    assert!(outcome.is_err() && out.contains(&format!("entry {seq} is not the one that was anchored")), "{out}");
    assert!(compared("nothing\n".into()).await.0.unwrap_err().contains("holds no anchor"));
}

#[tokio::test]
async fn the_command_that_changes_keys_tells_what_it_did() {
    let crm = CrmApp::start().await;
    let _ = crm.a_channel("100200300").await;
    let old = settings(&crm.app);
    let mut new = old.clone();
    new.secrets.key_id = "2026".into();
    new.secrets.master_key = STANDARD.encode([9; 32]).into();
    let rotated = async |config: &Config| {
        let mut out = Vec::new();
        let outcome = upkeep::rotate_secrets(config, Rotation::Wrapping, &mut out).await;
        (outcome.is_ok(), String::from_utf8(out).unwrap())
    };
    let (done, out) = rotated(&new).await;
    assert!(!done && out.contains("channels.access_token: 0 changed, 0 were under it, 0 written meanwhile, 1 do not open"), "{out}");
    new.secrets.earlier_keys = format!("{}:{}", old.secrets.key_id, old.secrets.master_key.expose_secret()).into();
    let (done, out) = rotated(&new).await;
    assert!(done && out.contains("channels.access_token: 1 changed, 0 were under it"), "{out}");
    let (done, out) = rotated(&new).await;
    assert!(done && out.contains("channels.access_token: 0 changed, 1 were under it"), "{out}");
}
