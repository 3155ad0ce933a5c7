//! Logins: seen by their owner, ended one by one, and told of when somebody else has them too.

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::app::TestApp;

const SESSIONS: &str = "/api/auth/sessions";
const REFRESH: &str = "/api/auth/refresh";
const ME: &str = "/api/auth/me";

fn ids(list: &Value) -> Vec<String> {
    let rows = list["data"].as_array().expect("a list");
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn an_owner_sees_where_they_are_signed_in_and_ends_one() {
    let app = TestApp::start().await;
    let body = serde_json::json!({ "email": app.admin.email, "password": tests::app::PASSWORD });
    let request = app.anybody().request(Method::POST, "/api/auth/login").header("user-agent", "Firefox on a tram").json(&body);
    let phone: Value = app.anybody().send(request).await.expect(StatusCode::OK).json();
    let phone = app.anybody().with_token(phone["accessToken"].as_str().unwrap());

    let list: Value = app.get(SESSIONS).await.expect(StatusCode::OK).json();
    let rows = list["data"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{list}");
    assert_eq!(
        (&rows[0]["userAgent"], &rows[0]["address"], &rows[0]["current"]),
        (&"Firefox on a tram".into(), &"127.0.0.1".into(), &false.into())
    );
    assert_eq!(rows[1]["current"], true, "{list}");
    assert_eq!(list["nextCursor"], Value::Null);

    let _ = phone.get(ME).await.expect(StatusCode::OK);
    let _ = app.delete(&format!("{SESSIONS}/{}", rows[0]["id"].as_str().unwrap())).await.expect(StatusCode::NO_CONTENT);
    phone.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    let _ = app.get(ME).await.expect(StatusCode::OK);
    assert_eq!(ids(&app.get(SESSIONS).await.json()).len(), 1);
    assert_eq!(app.acts_of(app.admin.organization).await.last().map(String::as_str), Some("logins.revoke"));
}

#[tokio::test]
async fn logins_of_others_are_not_there() {
    let app = TestApp::start().await;
    let colleague = app.colleague("agent").await;
    let stranger = app.stranger().await;
    for other in [&colleague, &stranger] {
        let [theirs] = &ids(&other.client.get(SESSIONS).await.json())[..] else { panic!("one login") };
        app.delete(&format!("{SESSIONS}/{theirs}")).await.problem(StatusCode::NOT_FOUND, "session-not-found");
        let _ = other.client.get(ME).await.expect(StatusCode::OK);
    }
    app.delete(&format!("{SESSIONS}/{}", uuid::Uuid::nil())).await.problem(StatusCode::NOT_FOUND, "session-not-found");
}

#[tokio::test]
async fn all_other_logins_end_at_once() {
    let app = TestApp::start().await;
    let (one, two) = (app.anybody().login(&app.admin.email).await, app.anybody().login(&app.admin.email).await);
    let stranger = app.stranger().await;
    let _ = one.post(&format!("{SESSIONS}/revoke-others")).await.expect(StatusCode::NO_CONTENT);
    for ended in [&two, &app.admin.client] {
        ended.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    }
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    for standing in [&one, &stranger.client] {
        let _ = standing.get(ME).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn a_reused_refresh_token_is_told_to_its_owner_and_the_audit_log() {
    let app = TestApp::start().await;
    let second = app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.expect(StatusCode::OK).cookie();
    let _ = app.anybody().post_cookie(REFRESH, &second).await.expect(StatusCode::OK);
    assert!(!app.mails_to(&app.admin.email).await.contains(&"loginReused".to_owned()));
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    assert_eq!(app.mails_to(&app.admin.email).await, ["emailVerification", "loginReused"]);
    assert!(app.acts_of(app.admin.organization).await.contains(&"logins.reuse".to_owned()));
    // Asking once more with any token of the family tells nobody anything new.
    app.anybody().post_cookie(REFRESH, &second).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    assert_eq!(app.mails_to(&app.admin.email).await.len(), 2);
}

#[tokio::test]
async fn an_ended_login_is_not_listed() {
    let app = TestApp::start().await;
    let cookie =
        app.anybody().post_json("/api/auth/login", serde_json::json!({ "email": app.admin.email, "password": tests::app::PASSWORD }));
    let cookie = cookie.await.expect(StatusCode::OK).cookie();
    assert_eq!(ids(&app.get(SESSIONS).await.json()).len(), 2);
    let _ = app.anybody().post_cookie("/api/auth/logout", &cookie).await.expect(StatusCode::OK);
    assert_eq!(ids(&app.get(SESSIONS).await.json()).len(), 1);
    app.clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    let fresh = app.anybody().login(&app.admin.email).await;
    assert_eq!(ids(&fresh.get(SESSIONS).await.json()).len(), 1, "those that were not renewed in time are over");
}

#[tokio::test]
async fn nobody_is_told_to_be_signed_out_who_may_not_be() {
    let app = TestApp::start().await;
    let mut owner = app.database.owner().await;
    sqlx::query("revoke select on memberships from crm_identity").execute(&mut owner).await.unwrap();
    let _ = app.post("/api/auth/logout").await.expect(StatusCode::INTERNAL_SERVER_ERROR);
    sqlx::query("grant select on memberships to crm_identity").execute(&mut owner).await.unwrap();
    let _ = app.get(ME).await.expect(StatusCode::OK);
    let _ = app.post("/api/auth/logout").await.expect(StatusCode::OK);
    app.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}
