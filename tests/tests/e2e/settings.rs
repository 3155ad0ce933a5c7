//! What an installation sets is what its API does.

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use runtime::config::SameSite;
use serde_json::{Value, json};
use tests::app::{PASSWORD, TestApp, registration};

const REFRESH: &str = "/api/auth/refresh";

#[tokio::test]
async fn tokens_and_cookie_live_as_long_and_travel_as_far_as_the_settings_say() {
    let app = TestApp::start_with(|config| {
        config.auth.access_token_ttl_s = 10;
        config.auth.refresh_idle_ttl_s = 100;
        config.auth.refresh_absolute_ttl_s = 150;
        config.auth.cookie_domain = Some("crm.example.com".into());
        config.auth.cookie_same_site = SameSite::None;
        config.auth.cookie_secure = true;
    })
    .await;
    let credentials = json!({ "email": app.admin.email, "password": PASSWORD });
    let login = app.anybody().post_json("/api/auth/login", credentials).await.expect(StatusCode::OK);
    let cookie = login.header("set-cookie").unwrap();
    for part in ["; Max-Age=100", "; Domain=crm.example.com", "; SameSite=None", "; Secure", "; HttpOnly"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let client = app.anybody().with_token(login.json::<Value>()["accessToken"].as_str().unwrap());
    // Half a minute more is granted, because clocks differ.
    app.clock.advance(TimeDelta::seconds(35));
    let _ = client.get("/api/auth/me").await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(6));
    client.get("/api/auth/me").await.problem(StatusCode::UNAUTHORIZED, "access-token-expired");

    app.clock.advance(TimeDelta::seconds(50));
    let renewed = app.anybody().post_cookie(REFRESH, &login.cookie()).await.expect(StatusCode::OK);
    let age = |answer: &tests::app::Answer| -> i64 {
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split("; ").find_map(|part| part.strip_prefix("Max-Age=")).unwrap().parse().unwrap()
    };
    assert!((49..=59).contains(&age(&renewed)), "a login ends in any case: {}", age(&renewed));
    app.clock.advance(TimeDelta::seconds(60));
    let _ = app.anybody().post_cookie(REFRESH, &renewed.cookie()).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_unused_login_ends_when_the_settings_say() {
    let app = TestApp::start_with(|config| config.auth.refresh_idle_ttl_s = 100).await;
    app.clock.advance(TimeDelta::seconds(100));
    let _ = app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_the_origins_of_the_settings_are_answered() {
    let app = TestApp::start_with(|config| config.api.allowed_origins = vec!["https://crm.example.com".into()]).await;
    let asked = async |origin: &str| {
        let request = app.anybody().request(Method::OPTIONS, "/api/contacts").header("origin", origin);
        let answer = app.anybody().send(request.header("access-control-request-method", "GET")).await;
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(asked("https://crm.example.com").await.as_deref(), Some("https://crm.example.com"));
    assert_eq!(asked("https://crm.example.com.evil.example").await, None);
    let closed = TestApp::start().await;
    let request = closed.anybody().request(Method::OPTIONS, "/api/contacts").header("origin", "https://crm.example.com");
    let answer = closed.anybody().send(request.header("access-control-request-method", "GET")).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn registrations_and_logins_are_limited_as_the_settings_say() {
    let app = TestApp::start_with(|config| {
        config.limits.registrations_per_hour = 2;
        config.limits.logins_per_minute = 3;
    })
    .await;
    // The first was the app's own.
    let _ = app.anybody().post_json("/api/auth/register", registration()).await.expect(StatusCode::CREATED);
    let refused = app.anybody().post_json("/api/auth/register", registration()).await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").is_some());
    let credentials = json!({ "email": app.admin.email, "password": PASSWORD });
    for _ in 0..3 {
        let _ = app.anybody().post_json("/api/auth/login", credentials.clone()).await.expect(StatusCode::OK);
    }
    let _ = app.anybody().post_json("/api/auth/login", credentials).await.expect(StatusCode::TOO_MANY_REQUESTS);
}
