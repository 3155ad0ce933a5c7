//! Chapter V7: logins, and how they end.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::app::{Client, PASSWORD, TestApp};

const REFRESH: &str = "/api/auth/refresh";
const ME: &str = "/api/auth/me";

/// Signs in once more: client and cookie.
async fn another_login(app: &TestApp, email: &str) -> (Client, String) {
    let body = json!({ "email": email, "password": PASSWORD });
    let answer = app.anybody().post_json("/api/auth/login", body).await.expect(StatusCode::OK);
    let token = answer.json::<Value>()["accessToken"].as_str().expect("a token").to_owned();
    (app.anybody().with_token(&token), answer.cookie())
}

async fn audited(app: &TestApp, action: &str) -> i64 {
    sqlx::query_scalar("select count(*) from audit_events where action = $1")
        .bind(action)
        .fetch_one(&mut app.database.owner().await)
        .await
        .expect("a count")
}

#[tokio::test]
async fn v7_2_3_a_refresh_token_is_256_random_bits_and_stored_as_a_hash() {
    let app = TestApp::start().await;
    let token = app.admin.cookie.split_once('=').expect("a cookie").1;
    assert!(token.len() >= 43, "{} characters of base64", token.len());
    let (_, other) = another_login(&app, &app.admin.email).await;
    let other = other.split_once('=').expect("a cookie").1.to_owned();
    let alike = token.bytes().zip(other.bytes()).filter(|(one, two)| one == two).count();
    assert!(alike < 12, "{alike} characters of two tokens are alike");
    // Nothing in the table is the token or contains it, in whatever way it might be written.
    let rows: Vec<String> =
        sqlx::query_scalar("select sessions::text from sessions").fetch_all(&mut app.database.owner().await).await.unwrap();
    let raw = URL_SAFE_NO_PAD.decode(token).expect("base64");
    for row in &rows {
        assert!(!row.contains(token) && !row.contains(&hex::encode(&raw)) && !row.contains(&hex::encode(token)), "{row}");
    }
    let hash = hex::encode(Sha256::digest(&raw));
    assert!(rows.iter().any(|row| row.contains(&hash)), "stored as its SHA-256");
}

#[tokio::test]
async fn v7_2_4_a_login_is_a_new_one_each_time() {
    let app = TestApp::start().await;
    let planted = format!("refreshToken={}", "A".repeat(64));
    let body = json!({ "email": app.admin.email, "password": PASSWORD });
    let request = app.anybody().request(reqwest::Method::POST, "/api/auth/login").header("cookie", &planted).json(&body);
    let answer = app.anybody().send(request).await.expect(StatusCode::OK);
    assert_ne!(answer.cookie(), planted);
    assert_ne!(answer.cookie(), app.admin.cookie);
    let _ = app.anybody().post_cookie(REFRESH, &planted).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn v7_2_4_a_stolen_refresh_token_ends_for_thief_and_victim() {
    let app = TestApp::start().await;
    let stolen = app.admin.cookie.clone();
    let victims = app.anybody().post_cookie(REFRESH, &stolen).await.expect(StatusCode::OK);
    let access = victims.json::<Value>()["accessToken"].as_str().unwrap().to_owned();
    let next = app.anybody().post_cookie(REFRESH, &victims.cookie()).await.expect(StatusCode::OK).cookie();
    // The thief comes with what was already exchanged.
    app.anybody().post_cookie(REFRESH, &stolen).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    for cookie in [&stolen, &victims.cookie(), &next] {
        app.anybody().post_cookie(REFRESH, cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    }
    app.anybody().with_token(&access).get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    let mut owner = app.database.owner().await;
    let mails: i64 = sqlx::query_scalar("select count(*) from mails where kind = 'loginReused'").fetch_one(&mut owner).await.unwrap();
    assert_eq!(mails, 1, "the person is told once");
    let events: i64 =
        sqlx::query_scalar("select count(*) from audit_events where action ilike '%reuse%'").fetch_one(&mut owner).await.unwrap();
    assert_eq!(events, 1, "the log says so once");
}

#[tokio::test]
async fn v7_2_4_two_pages_that_renew_at_once_both_go_on_with_one_successor() {
    let app = TestApp::start().await;
    let answers = join_all((0..8).map(|_| app.anybody().post_cookie(REFRESH, &app.admin.cookie))).await;
    let cookies: std::collections::HashSet<_> = answers.into_iter().map(|answer| answer.expect(StatusCode::OK).cookie()).collect();
    assert_eq!(cookies.len(), 1, "a token has one successor");
    // Once that was used, the first one is a stolen one.
    let successor = cookies.into_iter().next().expect("one");
    let last = app.anybody().post_cookie(REFRESH, &successor).await.expect(StatusCode::OK).cookie();
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie(REFRESH, &last).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn v7_2_4_a_lost_answer_is_given_again_within_ten_seconds_only() {
    let app = TestApp::start().await;
    let lost = app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.expect(StatusCode::OK).cookie();
    app.clock.advance(TimeDelta::seconds(9));
    assert_eq!(app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.expect(StatusCode::OK).cookie(), lost);
    app.clock.advance(TimeDelta::seconds(2));
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn v7_3_1_a_login_that_is_not_used_ends_after_seven_days() {
    let app = TestApp::start().await;
    app.clock.advance(TimeDelta::days(7) - TimeDelta::minutes(1));
    let renewed = app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.expect(StatusCode::OK).cookie();
    app.clock.advance(TimeDelta::days(7) + TimeDelta::minutes(1));
    app.anybody().post_cookie(REFRESH, &renewed).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn v7_3_2_a_login_that_is_used_every_day_ends_after_thirty_days() {
    let app = TestApp::start().await;
    let mut cookie = app.admin.cookie.clone();
    for _ in 0..29 {
        app.clock.advance(TimeDelta::days(1));
        cookie = app.anybody().post_cookie(REFRESH, &cookie).await.expect(StatusCode::OK).cookie();
    }
    app.clock.advance(TimeDelta::days(1) + TimeDelta::minutes(1));
    app.anybody().post_cookie(REFRESH, &cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn v7_4_1_signing_out_ends_access_and_refresh_token() {
    let app = TestApp::start().await;
    let _ = app.get(ME).await.expect(StatusCode::OK);
    let answer = app.anybody().post_cookie("/api/auth/logout", &app.admin.cookie).await.expect(StatusCode::OK);
    assert_eq!(answer.cookie(), "refreshToken=");
    app.clock.advance(TimeDelta::seconds(5));
    app.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn v7_4_2_a_disabled_member_is_out_within_five_seconds() {
    let app = TestApp::start().await;
    let member = app.colleague("agent").await;
    let (client, cookie) = another_login(&app, &member.email).await;
    let _ = client.get(ME).await.expect(StatusCode::OK);
    let answer = app.post(&format!("/api/users/{}/disable", member.user)).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    app.clock.advance(TimeDelta::seconds(5));
    for client in [&client, &member.client] {
        client.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    }
    app.anybody().post_cookie(REFRESH, &cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    let body = json!({ "email": member.email, "password": PASSWORD });
    app.anybody().post_json("/api/auth/login", body).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
}

#[tokio::test]
async fn v7_4_3_a_changed_password_ends_the_other_logins() {
    let app = TestApp::start().await;
    let (other, cookie) = another_login(&app, &app.admin.email).await;
    let _ = other.get(ME).await.expect(StatusCode::OK);
    let body = json!({ "currentPassword": PASSWORD, "newPassword": "another horse of quite some length" });
    let answer = app.post_json("/api/auth/change-password", body).await;
    assert!(answer.status.is_success(), "{} {}", answer.status, answer.text());
    app.clock.advance(TimeDelta::seconds(5));
    other.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie(REFRESH, &cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    let body = json!({ "email": app.admin.email, "password": PASSWORD });
    app.anybody().post_json("/api/auth/login", body).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
}

#[tokio::test]
async fn v7_5_2_a_person_sees_the_own_logins_and_ends_one_or_all() {
    let app = TestApp::start().await;
    let (second, _) = another_login(&app, &app.admin.email).await;
    let (third, _) = another_login(&app, &app.admin.email).await;
    let listed = |answer: Value| answer["data"].as_array().expect("a list").clone();
    let mine = listed(app.get("/api/auth/sessions").await.expect(StatusCode::OK).json());
    assert_eq!(mine.len(), 3, "{mine:?}");
    assert_eq!(mine.iter().filter(|session| session["current"] == true).count(), 1, "{mine:?}");
    let text = json!(mine).to_string();
    assert!(!text.contains("Hash") && !text.contains("token"), "{text}");

    let theirs = listed(second.get("/api/auth/sessions").await.expect(StatusCode::OK).json());
    let id = theirs.iter().find(|session| session["current"] == true).expect("the own one")["id"].as_str().unwrap().to_owned();
    let answer = app.delete(&format!("/api/auth/sessions/{id}")).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    app.clock.advance(TimeDelta::seconds(5));
    second.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    let _ = third.get(ME).await.expect(StatusCode::OK);

    let _ = app.post("/api/auth/sessions/revoke-others").await.expect(StatusCode::NO_CONTENT);
    app.clock.advance(TimeDelta::seconds(5));
    third.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    let _ = app.get(ME).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v7_5_2_nobody_ends_the_login_of_another_person() {
    let app = TestApp::start().await;
    let colleague = app.colleague("agent").await;
    let stranger = app.stranger().await;
    for other in [&colleague, &stranger] {
        let theirs: Value = other.client.get("/api/auth/sessions").await.expect(StatusCode::OK).json();
        let id = theirs["data"][0]["id"].as_str().expect("an id").to_owned();
        let foreign = app.delete(&format!("/api/auth/sessions/{id}")).await.expect(StatusCode::NOT_FOUND);
        let absent = app.delete(&format!("/api/auth/sessions/{}", uuid::Uuid::now_v7())).await.expect(StatusCode::NOT_FOUND);
        assert_eq!(foreign.json::<Value>()["type"], absent.json::<Value>()["type"]);
        app.clock.advance(TimeDelta::seconds(5));
        let _ = other.client.get(ME).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn v7_4_5_an_admin_ends_the_logins_of_a_member() {
    let app = TestApp::start().await;
    let member = app.colleague("agent").await;
    let _ = app.post(&format!("/api/users/{}/revoke-sessions", member.user)).await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(5));
    member.client.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    assert_eq!(audited(&app, "users.revokeSessions").await, 1);
    // Not those of another organization's member, of whom nothing is known.
    let stranger = app.stranger().await;
    let _ = app.post(&format!("/api/users/{}/revoke-sessions", stranger.user)).await.expect(StatusCode::NOT_FOUND);
    app.clock.advance(TimeDelta::seconds(5));
    let _ = stranger.client.get(ME).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v7_5_3_what_matters_most_asks_again_who_somebody_is() {
    let app = TestApp::start().await;
    app.clock.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let new_key = json!({ "name": "of a test", "permissions": ["contacts.read"] });
    app.post_json("/api/api-keys", new_key.clone()).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    app.post_json("/api/auth/step-up", json!({ "password": "not the password" })).await.field_problem("password", "wrong");
    app.post_json("/api/api-keys", new_key.clone()).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    let _ = app.post_json("/api/auth/step-up", json!({ "password": PASSWORD })).await.expect(StatusCode::NO_CONTENT);
    let _ = app.post_json("/api/api-keys", new_key).await.expect(StatusCode::CREATED);
}
