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
    let fits = format!("{{\"email\":\"{}\"}}", "x".repeat((1 << 20) - 12));
    assert_eq!(fits.len(), 1 << 20);
    post(&app, LOGIN, Some("application/json"), fits.clone()).await.field_problem("password", "missing");
    post(&app, LOGIN, Some("application/json"), format!(" {fits}")).await.problem(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
    for levels in [32, 50_000] {
        let deep = format!("{{\"email\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let document = post(&app, LOGIN, Some("application/json"), deep).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
        assert_eq!(document["errors"][0]["code"], "too-deep");
    }
    app.post_json("/api/contacts", json!({ "tags": vec!["a"; 10_001] })).await.field_problem("tags", "too-many");
}

#[tokio::test]
async fn nothing_is_said_twice_and_no_number_is_beyond_measure() {
    let app = TestApp::start().await;
    let contact = async |attributes: &str| {
        let body = format!("{{\"attributes\":{{{attributes}}}}}");
        let request = app.admin.client.request(Method::POST, "/api/contacts").header("content-type", "application/json");
        app.admin.client.send(request.body(body)).await
    };
    contact(r#""a":1,"b":2,"a":1"#).await.field_problem("a", "duplicate");
    for number in ["9007199254740992", "-1e16", "1e300"] {
        contact(&format!("\"a\":{number}")).await.field_problem("attributes.a", "out-of-range");
    }
    contact("\"a\":1e999").await.problem(StatusCode::BAD_REQUEST, "malformed-json");
    let _ = contact("\"a\":9007199254740991").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn no_operation_takes_a_field_that_it_does_not_know() {
    let app = TestApp::start().await;
    let paths = api::openapi::document()["paths"].as_object().unwrap();
    let mut asked = 0;
    for (path, item) in paths {
        let filled = path.split('/').map(|part| match part {
            "{kind}" => "passwordReset",
            id if id.starts_with('{') => "01890000-0000-7000-8000-000000000000",
            fixed => fixed,
        });
        let filled = filled.collect::<Vec<_>>().join("/");
        // Webhooks are the provider's: what it adds is passed over.
        let operations = item.as_object().unwrap().iter().filter(|_| !path.contains("webhook"));
        for (method, _) in operations.filter(|(_, operation)| operation.pointer("/requestBody/content/application~1json").is_some()) {
            let request = app.admin.client.request(method.to_uppercase().parse().unwrap(), &filled);
            let answer = app.admin.client.send(request.json(&json!({ "isAdmin": true }))).await;
            // (What needs more than an admin is refused before its body is read.)
            if answer.status != StatusCode::FORBIDDEN {
                answer.field_problem("isAdmin", "unknown-field");
                asked += 1;
            }
        }
    }
    assert!(asked > 15, "only {asked} operations were asked");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };
    let app = TestApp::start_with(|config| config.api.body_timeout_ms = 200).await;
    let address = app.anybody().base().strip_prefix("http://").unwrap();
    let upload = format!(
        "POST /api/contacts/import HTTP/1.1\r\nauthorization: Bearer {}\r\n\
                          content-type: multipart/form-data; boundary=x\r\n",
        app.admin.client.token()
    );
    for head in ["POST /api/auth/login HTTP/1.1\r\ncontent-type: application/json\r\n", &upload] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{head}host: crm\r\ncontent-length: 1000\r\n\r\n{{\"email\":").as_bytes()).await.unwrap();
        let mut answer = String::new();
        // The server ends the connection, or the test never ends.
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("/problems/body-too-slow"), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_not_kept() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };
    let app = TestApp::start_with(|config| config.api.body_timeout_ms = 100).await;
    let address = app.anybody().base().strip_prefix("http://").unwrap();
    // Nothing at all; what may still become another version of HTTP; a head without end; nothing after a first request.
    for begun in ["", "PRI * HT", "GET /livez HTTP/1.1\r\nhost: crm\r\nx-a: ", "GET /livez HTTP/1.1\r\nhost: crm\r\n\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut told = String::new();
        // The server ends the connection, or the test never ends.
        stream.read_to_string(&mut told).await.unwrap();
        assert_eq!(told.starts_with("HTTP/1.1 200 "), begun.ends_with("\r\n\r\n"), "{begun}: {told}");
    }
}

#[tokio::test]
async fn a_character_that_cannot_be_stored_is_refused() {
    let app = TestApp::start().await;
    let mut body = registration();
    body["firstName"] = json!("A\u{0}da");
    app.anybody().post_json("/api/auth/register", body).await.field_problem("firstName", "unstorable-text");
    app.post_json("/api/contacts", json!({ "attributes": { "a": "\u{0}" } })).await.field_problem("attributes.a", "unstorable-text");
    app.get("/api/jobs?kind=a%00b").await.field_problem("kind", "unstorable-text");
    let document = app.get("/api/contacts/a%00b").await.problem(StatusCode::BAD_REQUEST, "malformed-path");
    assert_eq!(document["errors"][0]["code"], "unstorable-text");
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
async fn a_cookie_is_taken_from_listed_origins_only() {
    let app = TestApp::start_with(|config| config.api.allowed_origins = vec!["https://console.example".into()]).await;
    let refresh = async |origin: &str| {
        let request = app.anybody().request(Method::POST, "/api/auth/refresh").header("origin", origin).header("cookie", &app.admin.cookie);
        app.anybody().send(request).await
    };
    for origin in ["https://evil.example", "https://console.example.evil", "null"] {
        refresh(origin).await.problem(StatusCode::FORBIDDEN, "origin-not-allowed");
    }
    let _ = refresh("https://console.example").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_address_that_registers_too_often_waits() {
    let app = TestApp::start_with(|config| config.limits.registrations_per_hour = 2).await;
    let _ = app.anybody().post_json("/api/auth/register", registration()).await.expect(StatusCode::CREATED);
    let answer = app.anybody().post_json("/api/auth/register", registration()).await;
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() > 60);
    assert!(answer.header("ratelimit").unwrap().contains("\"registrations\";r=0"));
    answer.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
}
