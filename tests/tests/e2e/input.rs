//! Bad input is answered with a problem that says what is wrong, and never with a 500.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::app::{Answer, PASSWORD, TestApp, registration};

const LOGIN: &str = "/api/auth/login";

async fn post(app: &TestApp, path: &str, content_type: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
    let mut request = app.anybody().request(Method::POST, path).body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    app.anybody().send(request).await
}

#[tokio::test]
async fn malformed_json_is_called_so() {
    let app = TestApp::start().await;
    for body in ["{", "{\"email\":}", "not json", "{\"email\":\"a\",\"password\":\"b\"} {}", "\u{feff}{}"] {
        post(&app, LOGIN, Some("application/json"), body).await.problem(StatusCode::BAD_REQUEST, "malformed-json");
    }
    post(&app, LOGIN, Some("application/json"), vec![b'"', 0xff, b'"']).await.problem(StatusCode::BAD_REQUEST, "malformed-json");
    post(&app, LOGIN, Some("application/json"), "").await.problem(StatusCode::BAD_REQUEST, "body-missing");
}

#[tokio::test]
async fn the_field_at_fault_is_named() {
    let app = TestApp::start().await;
    let login = |body| app.anybody().post_json(LOGIN, body);
    login(json!({ "email": "a@b.de", "password": 7 })).await.field_problem("password", "wrong-type");
    login(json!({ "email": "a@b.de" })).await.field_problem("password", "missing");
    login(json!({ "email": "a@b.de", "password": "x", "passwort": "x" })).await.field_problem("passwort", "unknown-field");
    login(json!([app.admin.email, PASSWORD])).await.field_problem("body", "wrong-type");
    login(json!("text")).await.field_problem("body", "wrong-type");
    post(&app, LOGIN, Some("application/json"), r#"{"email":"a","email":"b","password":"c"}"#)
        .await
        .problem(StatusCode::BAD_REQUEST, "invalid-input");
}

#[tokio::test]
async fn only_json_is_read() {
    let app = TestApp::start().await;
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")] {
        post(&app, LOGIN, content_type, "{}").await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type-unsupported");
    }
    post(&app, LOGIN, Some("Application/JSON; charset=utf-8"), "{}").await.field_problem("email", "missing");
}

#[tokio::test]
async fn a_body_has_bounds() {
    let app = TestApp::start().await;
    let long = format!("{{\"email\":\"{}\"}}", "x".repeat(3 << 20));
    post(&app, LOGIN, Some("application/json"), long).await.problem(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
    let deep = format!("{{\"email\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let answer = post(&app, LOGIN, Some("application/json"), deep).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_character_that_cannot_be_stored_is_refused() {
    let app = TestApp::start().await;
    let mut body = registration();
    body["firstName"] = json!("A\u{0}da");
    app.anybody().post_json("/api/auth/register", body).await.problem(StatusCode::BAD_REQUEST, "unstorable-text");
    app.get("/api/jobs?kind=a%00b").await.field_problem("kind", "unstorable-text");
}

#[tokio::test]
async fn a_malformed_path_or_query_is_named() {
    let app = TestApp::start().await;
    let document = app.post("/api/jobs/not-an-id/retry").await.problem(StatusCode::BAD_REQUEST, "malformed-path");
    assert_eq!(document["errors"][0]["field"], "id");
    for query in ["limit=0", "limit=201", "limit=x", "limit="] {
        app.get(&format!("/api/jobs?{query}")).await.field_problem("limit", "out-of-range");
    }
    app.get("/api/jobs?cursor=nonsense").await.field_problem("cursor", "malformed");
    app.get("/api/jobs?state=asleep").await.field_problem("state", "invalid");
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems_too() {
    let app = TestApp::start().await;
    app.get("/api/nothing").await.problem(StatusCode::NOT_FOUND, "route-not-found");
    let answer = app.delete("/api/auth/login").await;
    assert_eq!(answer.header("allow"), Some("POST"));
    answer.problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_safe() {
    let app = TestApp::start().await;
    for answer in [app.get("/api/auth/me").await, app.get("/api/nothing").await, app.anybody().get("/api/auth/me").await] {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{}", answer.asked);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.asked);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{}", answer.asked);
        assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{}", answer.asked);
        assert!(answer.header("server").is_none(), "{}", answer.asked);
    }
}

#[tokio::test]
async fn only_listed_origins_may_ask_from_a_browser() {
    let app = TestApp::start_with(|config| config.api.allowed_origins = vec!["https://console.example".into()]).await;
    let preflight = async |origin: &str| {
        let request =
            app.anybody().request(Method::OPTIONS, "/api/auth/me").header("origin", origin).header("access-control-request-method", "GET");
        app.anybody().send(request).await.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(preflight("https://console.example").await.as_deref(), Some("https://console.example"));
    for origin in ["https://console.example.evil", "http://console.example", "null"] {
        assert_eq!(preflight(origin).await, None, "{origin}");
    }
    let login = async |origin: &str| {
        let request = app.anybody().request(Method::POST, "/api/auth/refresh").header("origin", origin).header("cookie", &app.admin.cookie);
        app.anybody().send(request).await
    };
    login("https://evil.example").await.problem(StatusCode::FORBIDDEN, "origin-not-allowed");
    let _ = login("https://console.example").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_address_that_registers_too_often_waits() {
    let app = TestApp::start_with(|config| config.limits.registrations_per_hour = 2).await;
    let _ = app.anybody().post_json("/api/auth/register", registration()).await.expect(StatusCode::CREATED);
    let answer = app.anybody().post_json("/api/auth/register", registration()).await;
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() > 60);
    assert!(answer.header("ratelimit").unwrap().starts_with("\"registrations\";r=0"));
    answer.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
}
