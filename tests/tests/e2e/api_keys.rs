//! Keys by which programs sign in.

use chrono::TimeDelta;
use kernel::Clock;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{Client, TestApp};

const KEYS: &str = "/api/api-keys";
const CONTACTS: &str = "/api/contacts";

async fn create(app: &TestApp, body: Value) -> (Value, Client) {
    let told: Value = app.post_json(KEYS, body).await.expect(StatusCode::CREATED).json();
    let client = app.anybody().with_key(told["key"].as_str().unwrap());
    (told, client)
}

fn reading() -> Value {
    json!({ "name": "Shop", "permissions": ["contacts.read"] })
}

#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_a_hash() {
    let app = TestApp::start().await;
    let (told, _) = create(&app, reading()).await;
    let (key, prefix) = (told["key"].as_str().unwrap(), told["prefix"].as_str().unwrap());
    assert!(key.starts_with(&format!("{prefix}_")) && key.starts_with("hg_") && key.len() == 3 + 8 + 1 + 43, "{prefix}");
    let list = app.get(KEYS).await.expect(StatusCode::OK);
    assert!(!list.text().contains(key));
    let list: Value = list.json();
    assert_eq!((&list["data"][0]["prefix"], &list["data"][0]["createdById"]), (&json!(prefix), &json!(app.admin.user)));
    assert_eq!(list["data"][0]["permissions"], json!(["contacts.read"]));
    let kept: String =
        sqlx::query_scalar("select api_keys::text || (select string_agg(audit_events::text, '') from audit_events) from api_keys")
            .fetch_one(&mut app.database.owner().await)
            .await
            .unwrap();
    assert!(kept.contains(prefix) && !kept.contains(key.rsplit_once('_').unwrap().1), "{kept}");
}

#[tokio::test]
async fn a_key_may_what_its_rights_say_and_nothing_that_takes_a_person() {
    let app = TestApp::start().await;
    let (_, key) = create(&app, reading()).await;
    key.get(CONTACTS).await.expect(StatusCode::OK);
    key.get("/api/permissions").await.expect(StatusCode::OK);
    let draft = json!({ "phoneNumber": "+4915123456789" });
    key.post_json(CONTACTS, draft).await.problem(StatusCode::FORBIDDEN, "right-missing");
    key.get("/api/auth/me").await.problem(StatusCode::FORBIDDEN, "person-required");

    let (_, key) = create(&app, json!({ "name": "Keys", "permissions": ["apiKeys.manage"] })).await;
    key.get(KEYS).await.expect(StatusCode::OK);
    key.post_json(KEYS, json!({ "name": "Child", "permissions": ["apiKeys.manage"] }))
        .await
        .problem(StatusCode::FORBIDDEN, "person-required");
}

#[tokio::test]
async fn who_was_disabled_or_lowered_elsewhere_makes_no_key_in_the_last_seconds() {
    let app = TestApp::start().await;
    for (change, status, slug) in [
        ("update memberships set role = 'viewer' where user_id = $1", StatusCode::FORBIDDEN, "rights-exceeded"),
        ("update memberships set disabled_at = now() where user_id = $1", StatusCode::UNAUTHORIZED, "session-ended"),
    ] {
        let colleague = app.colleague("admin").await;
        colleague.client.get(KEYS).await.expect(StatusCode::OK);
        // Another process did it; this one still remembers an admin.
        let mut owner = app.database.owner().await;
        sqlx::query(change).bind(colleague.user.uuid()).execute(&mut owner).await.unwrap();
        colleague.client.get(KEYS).await.expect(StatusCode::OK);
        let key = json!({ "name": "Back door", "permissions": ["users.manage"] });
        colleague.client.post_json(KEYS, key).await.problem(status, slug);
    }
}

#[tokio::test]
async fn a_key_of_another_organization_sees_nothing_of_this_one() {
    let app = TestApp::start().await;
    let contact = json!({ "phoneNumber": "+4915123456789", "name": "Ada" });
    let made: Value = app.post_json(CONTACTS, contact).await.expect(StatusCode::CREATED).json();
    let stranger = app.stranger().await.client;
    let told: Value = stranger.post_json(KEYS, reading()).await.expect(StatusCode::CREATED).json();
    let foreign = app.anybody().with_key(told["key"].as_str().unwrap());
    let list: Value = foreign.get(CONTACTS).await.expect(StatusCode::OK).json();
    assert_eq!(list["data"], json!([]));
    foreign.get(&format!("{CONTACTS}/{}", made["id"].as_str().unwrap())).await.expect(StatusCode::NOT_FOUND);
    app.delete(&format!("{KEYS}/{}", told["id"].as_str().unwrap())).await.problem(StatusCode::NOT_FOUND, "api-key-not-found");
}

#[tokio::test]
async fn a_revoked_key_is_worthless_at_once() {
    let app = TestApp::start().await;
    let (told, key) = create(&app, reading()).await;
    key.get(CONTACTS).await.expect(StatusCode::OK);
    let path = format!("{KEYS}/{}", told["id"].as_str().unwrap());
    app.delete(&path).await.expect(StatusCode::NO_CONTENT);
    let refused = key.get(CONTACTS).await;
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    refused.problem(StatusCode::UNAUTHORIZED, "api-key-invalid");
    app.delete(&path).await.problem(StatusCode::NOT_FOUND, "api-key-not-found");
    let recorded: Vec<String> = sqlx::query_scalar("select action from audit_events where action like 'apiKeys.%' order by seq")
        .fetch_all(&mut app.database.owner().await)
        .await
        .unwrap();
    assert_eq!(recorded, ["apiKeys.create", "apiKeys.revoke"]);
}

#[tokio::test]
async fn a_key_ends_when_its_time_is_over() {
    let app = TestApp::start().await;
    let end = app.clock.now() + TimeDelta::minutes(1);
    let (_, key) = create(&app, json!({ "name": "Shop", "permissions": ["contacts.read"], "expiresAt": end })).await;
    key.get(CONTACTS).await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::minutes(1));
    key.get(CONTACTS).await.problem(StatusCode::UNAUTHORIZED, "api-key-invalid");
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let app = TestApp::start().await;
    let (told, _) = create(&app, reading()).await;
    let key = told["key"].as_str().unwrap();
    let (prefix, secret) = key.split_at(12);
    let turned: String = secret.chars().rev().collect();
    for wrong in ["", "nonsense", prefix, &key.to_uppercase(), &format!("{key}x"), &format!("{prefix}{turned}")] {
        app.anybody().with_key(wrong).get(CONTACTS).await.problem(StatusCode::UNAUTHORIZED, "api-key-invalid");
    }
    // With both it would not be clear who asks.
    let both = app.admin.client.request(reqwest::Method::GET, CONTACTS).header("x-api-key", key);
    app.anybody().send(both).await.problem(StatusCode::UNAUTHORIZED, "credentials-ambiguous");
}

#[tokio::test]
async fn making_a_key_takes_a_fresh_proof_of_who_asks() {
    let app = TestApp::start().await;
    app.clock.advance(TimeDelta::minutes(10));
    app.post_json(KEYS, reading()).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    app.get(KEYS).await.expect(StatusCode::OK);
    app.anybody().login(&app.admin.email).await.post_json(KEYS, reading()).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn nobody_makes_a_key_with_rights_that_they_do_not_have() {
    let app = TestApp::start().await;
    let role = json!({ "name": "Keeper", "permissions": ["apiKeys.manage", "contacts.read"] });
    app.post_json("/api/roles", role).await.expect(StatusCode::CREATED);
    let keeper = app.colleague("keeper").await.client;
    let draft = json!({ "name": "Shop", "permissions": ["contacts.write"] });
    keeper.post_json(KEYS, draft).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    keeper.post_json(KEYS, reading()).await.expect(StatusCode::CREATED);
    app.colleague("marketing").await.client.post_json(KEYS, reading()).await.problem(StatusCode::FORBIDDEN, "right-missing");
}

#[tokio::test]
async fn every_rule_of_a_key_is_told() {
    let app = TestApp::start().await;
    for (field, value, code, at) in [
        ("name", json!(" "), "empty", "name"),
        ("name", json!("x".repeat(101)), "too-long", "name"),
        ("permissions", json!([]), "empty", "permissions"),
        ("permissions", json!(["clients.manage"]), "unknown", "permissions[0]"),
        ("expiresAt", json!(app.clock.now()), "past", "expiresAt"),
    ] {
        let mut body = reading();
        body[field] = value;
        app.post_json(KEYS, body).await.field_problem(at, code);
    }
}
