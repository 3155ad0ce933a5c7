//! Headers of every answer, and which web origins may ask: asked of every operation of the API description.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::app::{Answer, Client, TestApp};

const CONSOLE: &str = "https://console.example";

/// What answers with the state of the parts, whatever it is.
const HEALTH: [&str; 3] = ["/api/health", "/livez", "/readyz"];

/// Every operation, with an id that nobody has.
fn operations() -> Vec<(Method, String)> {
    let paths = api::openapi::document()["paths"].as_object().unwrap();
    let mut operations = Vec::new();
    for (path, item) in paths {
        let path = path.split('/').map(|part| if part.starts_with('{') { "01890000-0000-7000-8000-000000000000" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        for method in item.as_object().unwrap().keys() {
            if let "get" | "put" | "post" | "patch" | "delete" = method.as_str() {
                operations.push((method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    assert!(operations.len() > 40);
    operations
}

async fn call(client: &Client, method: &Method, path: &str) -> Answer {
    let request = client.request(method.clone(), path).header("origin", CONSOLE);
    let request = if *method == Method::GET { request } else { request.json(&json!({})) };
    client.send(request).await
}

/// Section 4.6 of the security matrix.
#[track_caller]
fn assert_safe(answer: &Answer) {
    let told = format!("{}: {}", answer.asked, answer.status);
    let header = |name: &str| answer.header(name).unwrap_or_else(|| panic!("{told} without {name}"));
    let expected = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ];
    for (name, value) in expected {
        assert_eq!(header(name), value, "{told}: {name}");
    }
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{told}: {policy}");
    for part in ["base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{told}: {policy}");
    }
    for foreign in ["http:", "https:", "unsafe", "*"] {
        assert!(!policy.contains(foreign), "{told}: {policy}");
    }
    let transport = header("strict-transport-security");
    let age = transport.strip_prefix("max-age=").and_then(|rest| rest.split(';').next()).and_then(|age| age.parse::<u64>().ok());
    assert!(age.is_some_and(|age| age >= 31_536_000) && transport.contains("includeSubDomains"), "{told}: {transport}");
    assert!(!header("x-request-id").is_empty(), "{told}");
    for telling in ["server", "x-powered-by", "via"] {
        assert!(answer.header(telling).is_none(), "{told}: {telling}");
    }
    if HEALTH.iter().any(|path| answer.asked.ends_with(path)) {
        return;
    }
    if answer.status.is_client_error() || answer.status.is_server_error() {
        assert_eq!(header("content-type"), "application/problem+json", "{told}: {}", answer.text());
    }
    if answer.status.is_server_error() {
        let body: serde_json::Map<String, serde_json::Value> = answer.json();
        let fields: BTreeSet<&str> = body.keys().map(String::as_str).collect();
        assert_eq!(fields, BTreeSet::from(["requestId", "status", "title", "type"]), "{told}: {body:?}");
    }
}

async fn app() -> TestApp {
    TestApp::start_with(|config| config.api.allowed_origins = vec![CONSOLE.into()]).await
}

#[tokio::test]
async fn every_operation_answers_with_them_whoever_asks() {
    let app = app().await;
    let mut seen = BTreeSet::new();
    for (method, path) in operations() {
        let member = app.anybody().with_token(app.admin.client.token());
        for client in [app.anybody(), &member, &app.anybody().with_token("forged")] {
            let answer = call(client, &method, &path).await;
            assert_safe(&answer);
            assert_eq!(answer.header("access-control-allow-origin"), Some(CONSOLE), "{}", answer.asked);
            assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{}", answer.asked);
            seen.insert(answer.status.as_u16());
        }
    }
    for status in [200, 400, 401, 404] {
        assert!(seen.contains(&status), "no answer was a {status}: {seen:?}");
    }
}

#[tokio::test]
async fn every_failure_of_the_service_has_them_and_tells_nothing() {
    let app = app().await;
    let mut owner = app.database.owner().await;
    // Every statement fails, except for what the login has just been asked.
    let _ = app.get("/api/organizations/current").await.expect(StatusCode::OK);
    sqlx::query("alter schema public rename to elsewhere").execute(&mut owner).await.unwrap();
    let mut failed = 0;
    for (method, path) in operations() {
        let answer = call(&app.admin.client, &method, &path).await;
        assert_safe(&answer);
        failed += usize::from(answer.status == StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert!(failed > 20, "only {failed} operations failed");
    app.state.db.close().await;
    let answer = app.get("/api/contacts").await;
    assert_safe(&answer);
    answer.problem(StatusCode::SERVICE_UNAVAILABLE, "database-unavailable");
}

#[tokio::test]
async fn what_is_no_operation_answers_with_them_too() {
    let app = app().await;
    assert_safe(&app.get("/api/openapi.json").await.expect(StatusCode::OK));
    let docs = app.anybody().get("/api/docs").await.expect(StatusCode::OK);
    assert_safe(&docs);
    assert!(docs.text().contains("/api/contacts") && !docs.text().contains("<script"));
    for path in ["/", "/api", "/api/nothing", "/..%2f..%2fetc/passwd", "/api/contacts/"] {
        let answer = app.get(path).await;
        assert_safe(&answer);
        answer.problem(StatusCode::NOT_FOUND, "route-not-found");
    }
    let long = app.get(&format!("/api/{}", "x".repeat(3_000))).await;
    assert_safe(&long);
    long.problem(StatusCode::URI_TOO_LONG, "address-too-long");
    app.get(&format!("/api/contacts?q={}", "x".repeat(9_000))).await.problem(StatusCode::URI_TOO_LONG, "address-too-long");
    let request =
        (0..5).fold(app.anybody().request(Method::GET, "/livez"), |request, n| request.header(format!("x-{n}"), "x".repeat(8_000)));
    let large = app.anybody().send(request).await;
    assert_safe(&large);
    large.problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large");
}

#[tokio::test]
async fn other_methods_are_refused_everywhere() {
    let app = app().await;
    for (_, path) in operations() {
        for method in ["TRACE", "FROBNICATE", "PROPFIND"] {
            let answer = call(&app.admin.client, &method.parse().unwrap(), &path).await;
            assert_safe(&answer);
            answer.problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
        }
    }
    let answer = app.anybody().send(app.anybody().request("TRACE".parse().unwrap(), "/nowhere")).await;
    assert!(answer.header("allow").unwrap().contains("GET"));
    answer.problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
    let wrong = app.delete("/api/auth/login").await;
    assert_eq!(wrong.header("allow"), Some("POST"));
    wrong.problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
}

#[tokio::test]
async fn only_listed_origins_are_told_anything() {
    let app = app().await;
    let others = [
        "null",
        "*",
        "",
        "http://console.example",
        "https://console.example/",
        "https://console.example:8443",
        "https://console.example.evil",
        "https://evil-console.example",
        "https://sub.console.example",
        "https://console.example@evil.example",
        "https://CONSOLE.EXAMPLE",
        "https://console.example, https://evil.example",
    ];
    for (method, path) in operations() {
        let preflight = |origin: &str| {
            let request = app.anybody().request(Method::OPTIONS, &path).header("origin", origin);
            app.anybody().send(request.header("access-control-request-method", method.as_str()))
        };
        let allowed = preflight(CONSOLE).await;
        assert_safe(&allowed);
        assert_eq!(allowed.header("access-control-allow-origin"), Some(CONSOLE), "{path}");
        assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"), "{path}");
        assert!(allowed.header("access-control-allow-methods").unwrap().contains(method.as_str()), "{path}");
        let refused = preflight("https://evil.example").await;
        assert_safe(&refused);
        assert_told_nothing(&refused, "https://evil.example");
    }
    for origin in others {
        let preflight = app.anybody().request(Method::OPTIONS, "/api/contacts").header("access-control-request-method", "GET");
        for request in [preflight, app.admin.client.request(Method::GET, "/api/contacts")] {
            assert_told_nothing(&app.anybody().send(request.header("origin", origin)).await, origin);
        }
    }
}

#[track_caller]
fn assert_told_nothing(answer: &Answer, origin: &str) {
    for name in answer.headers.keys() {
        assert!(!name.as_str().starts_with("access-control-"), "{} from {origin}: {name}", answer.asked);
    }
    assert!(answer.header("vary").is_some_and(|vary| vary.to_ascii_lowercase().contains("origin")), "{} from {origin}", answer.asked);
}
