//! Chapter V8: rights, and keys for programs.

use chrono::TimeDelta;
use kernel::Clock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::app::{Answer, TestApp};

async fn by_key(app: &TestApp, key: &str, method: Method, path: &str) -> Answer {
    app.anybody().send(app.anybody().request(method, path).header("x-api-key", key)).await
}

async fn new_key(app: &TestApp, body: Value) -> (String, String) {
    let told: Value = app.post_json("/api/api-keys", body).await.expect(StatusCode::CREATED).json();
    (told["id"].as_str().expect("an id").to_owned(), told["key"].as_str().expect("a key").to_owned())
}

#[tokio::test]
async fn v8_3_2_a_lowered_role_counts_within_five_seconds() {
    let app = TestApp::start().await;
    let member = app.colleague("admin").await;
    let _ = member.client.get("/api/jobs").await.expect(StatusCode::OK);
    let _ = app.patch_json(&format!("/api/users/{}", member.user), json!({ "role": "viewer" })).await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(5));
    member.client.get("/api/jobs").await.problem(StatusCode::FORBIDDEN, "right-missing");
    let _ = member.client.get("/api/contacts").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v8_3_2_a_right_taken_from_a_custom_role_counts_within_five_seconds() {
    let app = TestApp::start().await;
    let body = json!({ "name": "Importers", "permissions": ["contacts.read", "jobs.manage"] });
    let role: Value = app.post_json("/api/roles", body).await.expect(StatusCode::CREATED).json();
    let member = app.colleague(role["key"].as_str().expect("a key")).await;
    let _ = member.client.get("/api/jobs").await.expect(StatusCode::OK);
    let path = format!("/api/roles/{}", role["id"].as_str().expect("an id"));
    let _ = app.patch_json(&path, json!({ "permissions": ["contacts.read"] })).await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(5));
    member.client.get("/api/jobs").await.problem(StatusCode::FORBIDDEN, "right-missing");
}

#[tokio::test]
async fn v8_2_1_nobody_gives_rights_that_no_role_of_an_organization_has() {
    let app = TestApp::start().await;
    for right in ["clients.manage", "everything", "*", ""] {
        let answer = app.post_json("/api/roles", json!({ "name": "Too much", "permissions": [right] })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{right}: {}", answer.text());
        let answer = app.post_json("/api/api-keys", json!({ "name": "Too much", "permissions": [right] })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{right}: {}", answer.text());
    }
    app.get("/api/clients").await.problem(StatusCode::FORBIDDEN, "right-missing");
}

#[tokio::test]
async fn v8_2_1_the_last_admin_cannot_be_lowered_or_disabled() {
    let app = TestApp::start().await;
    let own = format!("/api/users/{}", app.admin.user);
    let _ = app.patch_json(&own, json!({ "role": "viewer" })).await.expect(StatusCode::CONFLICT);
    let _ = app.post(&format!("{own}/disable")).await.expect(StatusCode::CONFLICT);
    app.clock.advance(TimeDelta::seconds(5));
    let _ = app.get("/api/jobs").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v13_2_2_a_key_is_256_bits_shown_once_and_kept_as_a_hash() {
    let app = TestApp::start().await;
    let (id, key) = new_key(&app, json!({ "name": "import", "permissions": ["contacts.read"] })).await;
    let (_, other) = new_key(&app, json!({ "name": "export", "permissions": ["contacts.read"] })).await;
    assert_ne!(key, other);
    assert!(key.len() >= 43 + 3, "{} characters", key.len());
    let _ = by_key(&app, &key, Method::GET, "/api/contacts").await.expect(StatusCode::OK);
    let listed = app.get("/api/api-keys").await.expect(StatusCode::OK).text();
    assert!(listed.contains(&id) && !listed.contains(&key), "{listed}");
    let mut owner = app.database.owner().await;
    let rows: Vec<String> = sqlx::query_scalar("select api_keys::text from api_keys union all select audit_events::text from audit_events")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert!(rows.iter().all(|row| !row.contains(&key)), "the key stands nowhere");
    let hashes: Vec<Vec<u8>> = sqlx::query_scalar("select key_hash from api_keys").fetch_all(&mut owner).await.unwrap();
    assert!(hashes.iter().all(|hash| hash.len() == Sha256::output_size()));
    // A first use is noted.
    let used: i64 = sqlx::query_scalar("select count(*) from api_keys where last_used_at is not null").fetch_one(&mut owner).await.unwrap();
    assert_eq!(used, 1);
    // What is nearly a key is none.
    let end = if key.ends_with('A') { "B" } else { "A" };
    for wrong in
        [format!("{}{end}", &key[..key.len() - 1]), key[..key.len() - 1].to_owned(), format!("{key}A"), key.to_uppercase(), String::new()]
    {
        let answer = by_key(&app, &wrong, Method::GET, "/api/contacts").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}: {}", answer.text());
    }
}

#[tokio::test]
async fn v13_2_2_a_key_does_what_its_scopes_say_and_nothing_of_a_person() {
    let app = TestApp::start().await;
    let (_, key) = new_key(&app, json!({ "name": "import", "permissions": ["contacts.read"] })).await;
    let _ = by_key(&app, &key, Method::GET, "/api/contacts").await.expect(StatusCode::OK);
    for (method, path) in [
        (Method::GET, "/api/campaigns"),
        (Method::GET, "/api/users"),
        (Method::GET, "/api/auth/sessions"),
        (Method::POST, "/api/auth/two-step"),
        (Method::POST, "/api/auth/sessions/revoke-others"),
    ] {
        let answer = by_key(&app, &key, method, path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.text());
    }
    // A key makes no keys, whatever its scopes.
    let (_, mighty) = new_key(&app, json!({ "name": "all", "permissions": ["apiKeys.manage", "contacts.read"] })).await;
    let request = app.anybody().request(Method::POST, "/api/api-keys").header("x-api-key", &mighty);
    let answer = app.anybody().send(request.json(&json!({ "name": "child", "permissions": ["contacts.read"] }))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
}

#[tokio::test]
async fn v13_2_2_a_key_ends_when_it_expires_is_revoked_or_its_organization_is_switched_off() {
    let app = TestApp::start().await;
    let expires = (app.clock.now() + TimeDelta::hours(1)).to_rfc3339();
    let (_, expiring) = new_key(&app, json!({ "name": "short", "permissions": ["contacts.read"], "expiresAt": expires })).await;
    let (id, revoked) = new_key(&app, json!({ "name": "revoked", "permissions": ["contacts.read"] })).await;
    let (_, lasting) = new_key(&app, json!({ "name": "lasting", "permissions": ["contacts.read"] })).await;
    for key in [&expiring, &revoked, &lasting] {
        let _ = by_key(&app, key, Method::GET, "/api/contacts").await.expect(StatusCode::OK);
    }
    let _ = app.delete(&format!("/api/api-keys/{id}")).await.expect(StatusCode::NO_CONTENT);
    app.clock.advance(TimeDelta::seconds(5));
    let _ = by_key(&app, &revoked, Method::GET, "/api/contacts").await.expect(StatusCode::UNAUTHORIZED);
    app.clock.advance(TimeDelta::hours(1));
    let _ = by_key(&app, &expiring, Method::GET, "/api/contacts").await.expect(StatusCode::UNAUTHORIZED);
    let _ = by_key(&app, &lasting, Method::GET, "/api/contacts").await.expect(StatusCode::OK);
    sqlx::query("update organizations set deactivated_at = now()").execute(&mut app.database.owner().await).await.unwrap();
    app.clock.advance(TimeDelta::seconds(5));
    let _ = by_key(&app, &lasting, Method::GET, "/api/contacts").await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn v8_2_1_a_request_with_key_and_token_is_not_more_than_either() {
    let app = TestApp::start().await;
    let (_, key) = new_key(&app, json!({ "name": "narrow", "permissions": ["contacts.read"] })).await;
    let viewer = app.colleague("viewer").await;
    let request = viewer.client.request(Method::GET, "/api/jobs").header("x-api-key", &key);
    let answer = viewer.client.send(request).await;
    assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.text());
    // A wrong key is not made good by a good token.
    let request = app.admin.client.request(Method::GET, "/api/contacts").header("x-api-key", "nonsense");
    let answer = app.admin.client.send(request).await;
    assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.text());
}
