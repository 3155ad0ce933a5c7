//! Chapter V3 (web front ends) and V4 (HTTP): cookies, other sites, headers.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::app::{Answer, PASSWORD, TestApp, registration};

const REFRESH: &str = "/api/auth/refresh";
const LOGOUT: &str = "/api/auth/logout";

async fn login_cookie(app: &TestApp) -> String {
    let body = json!({ "email": app.admin.email, "password": PASSWORD });
    let answer = app.anybody().post_json("/api/auth/login", body).await.expect(StatusCode::OK);
    answer.header("set-cookie").expect("a cookie").to_owned()
}

#[tokio::test]
async fn v3_3_1_the_refresh_cookie_travels_over_https_only() {
    let app = TestApp::start_with(|config| config.auth.cookie_secure = true).await;
    let cookie = login_cookie(&app).await;
    assert!(cookie.contains("; Secure"), "{cookie}");
    // (The name is agreed with clients and carries no prefix; production refuses to start without Secure.)
    assert!(cookie.starts_with("refreshToken="), "{cookie}");
}

#[tokio::test]
async fn v3_3_2_the_refresh_cookie_stays_on_its_site_and_path() {
    let app = TestApp::start().await;
    let cookie = login_cookie(&app).await;
    assert!(cookie.contains("; SameSite=Strict") && cookie.contains("; Path=/api/auth;") && !cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn v3_3_4_the_refresh_cookie_is_closed_to_scripts() {
    let app = TestApp::start().await;
    assert!(login_cookie(&app).await.contains("; HttpOnly"));
    // Nor does any body contain it.
    let body = json!({ "email": app.admin.email, "password": PASSWORD });
    let answer = app.anybody().post_json("/api/auth/login", body).await;
    let token = answer.cookie().split_once('=').expect("a cookie").1.to_owned();
    assert!(!answer.text().contains(&token));
}

#[tokio::test]
async fn v3_5_1_another_site_cannot_use_the_refresh_cookie() {
    let app = TestApp::start_with(|config| config.api.allowed_origins = vec!["https://crm.example.com".into()]).await;
    let ask = async |path: &str, origin: &str, kind: Option<&str>| {
        let mut request = app.anybody().request(Method::POST, path).header("cookie", &app.admin.cookie).header("origin", origin);
        if let Some(kind) = kind {
            request = request.header("content-type", kind).body("a=b");
        }
        app.anybody().send(request).await
    };
    for path in [REFRESH, LOGOUT] {
        for origin in ["https://attacker.example", "null", "https://crm.example.com.attacker.example", "http://crm.example.com", ""] {
            for kind in [None, Some("application/x-www-form-urlencoded"), Some("text/plain"), Some("multipart/form-data; boundary=x")] {
                let answer = ask(path, origin, kind).await;
                assert!(
                    [StatusCode::FORBIDDEN, StatusCode::UNSUPPORTED_MEDIA_TYPE].contains(&answer.status),
                    "{path} from {origin:?}: {} {}",
                    answer.status,
                    answer.text()
                );
                assert!(answer.header("set-cookie").is_none(), "{path} from {origin:?}");
            }
        }
    }
    // A browser that says that the request comes from another site is believed even without an origin.
    let request = app.anybody().request(Method::POST, REFRESH).header("cookie", &app.admin.cookie).header("sec-fetch-site", "cross-site");
    let _ = app.anybody().send(request).await.expect(StatusCode::FORBIDDEN);
    // The login is still there, for the own site and for a listed one.
    let _ = ask(REFRESH, "https://crm.example.com", None).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v3_5_2_json_must_say_that_it_is_json() {
    let app = TestApp::start().await;
    let body = json!({ "email": app.admin.email, "password": PASSWORD }).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"] {
        for path in ["/api/auth/login", "/api/contacts"] {
            let request = app.admin.client.request(Method::POST, path).header("content-type", kind).body(body.clone());
            let _ = app.admin.client.send(request).await.expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }
}

#[tokio::test]
async fn v3_4_2_only_listed_origins_may_read_answers() {
    let app = TestApp::start_with(|config| config.api.allowed_origins = vec!["https://crm.example.com".into()]).await;
    let ask = async |origin: &str| app.anybody().send(app.anybody().request(Method::GET, "/api/health").header("origin", origin)).await;
    let allowed = ask("https://crm.example.com").await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://crm.example.com"));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    for origin in [
        "null",
        "*",
        "https://attacker.example",
        "https://crm.example.com.attacker.example",
        "http://crm.example.com",
        "https://CRM.example.com:444",
    ] {
        let answer = ask(origin).await;
        for name in answer.headers.keys() {
            assert!(!name.as_str().starts_with("access-control-"), "{origin}: {name}");
        }
    }
}

/// What every answer carries, however it came about.
fn armoured(answer: &Answer) {
    for (name, part) in [
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("content-security-policy", "base-uri 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        let value = answer.header(name).unwrap_or_else(|| panic!("{} {}: no {name}", answer.status, answer.asked));
        assert!(value.contains(part), "{} {}: {name}: {value}", answer.status, answer.asked);
    }
    assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none(), "{}", answer.asked);
    assert!(answer.header("x-request-id").is_some(), "{}", answer.asked);
}

#[tokio::test]
async fn v3_4_every_answer_carries_the_headers_that_keep_browsers_from_doing_harm() {
    let app = TestApp::start().await;
    let paths = api::openapi::document()["paths"].as_object().expect("there are routes");
    let mut answers = 0;
    for (path, item) in paths {
        // What stands in braces is read after the headers are decided: the answers are of every kind.
        let path = path.replace(['{', '}'], "");
        for method in item.as_object().expect("an object").keys().filter(|method| *method != "parameters") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            for client in [app.anybody(), &app.admin.client] {
                armoured(&client.send(client.request(method.clone(), &path)).await);
                answers += 1;
            }
        }
        for method in [Method::TRACE, Method::OPTIONS, Method::HEAD] {
            armoured(&app.anybody().send(app.anybody().request(method, &path)).await);
        }
    }
    armoured(&app.get("/api/nothing").await);
    armoured(&app.get("/").await);
    let long = app.anybody().request(Method::POST, "/api/contacts").bearer_auth(app.admin.client.token()).body(vec![b'a'; 3 << 20]);
    armoured(&app.anybody().send(long.header("content-type", "application/json")).await);
    assert!(answers > 100, "{answers} answers");
}

#[tokio::test]
async fn v4_1_3_nobody_but_a_configured_proxy_says_who_the_client_or_the_host_is() {
    let app = TestApp::start_with(|config| {
        config.limits.logins_per_minute = 3;
        config.api.public_url = "https://crm.example.com".into();
    })
    .await;
    let mut refused = 0;
    for number in 0..8 {
        let request = app
            .anybody()
            .request(Method::POST, "/api/auth/login")
            .header("x-forwarded-for", format!("203.0.113.{number}"))
            .header("forwarded", format!("for=203.0.113.{number}"))
            .header("x-real-ip", format!("203.0.113.{number}"))
            .json(&json!({ "email": format!("nobody-{number}@example.com"), "password": "wrong password" }));
        refused += usize::from(app.anybody().send(request).await.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused >= 4, "an invented address got around the limit: {refused} of 8 were refused");
}

#[tokio::test]
async fn v16_5_1_a_failure_tells_nothing_about_the_inside() {
    let app = TestApp::start().await;
    // The ledger of contacts disappears: whatever is asked of it fails.
    sqlx::raw_sql("alter table contacts rename to somewhere_else").execute(&mut app.database.owner().await).await.unwrap();
    let answer = app.get("/api/contacts").await;
    let document = answer.problem(StatusCode::INTERNAL_SERVER_ERROR, "internal");
    let mut fields: Vec<_> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["requestId", "status", "title", "type"]);
    for word in ["contacts", "relation", "select", "sqlx", "postgres", ".rs", "panicked", "/work", "/root", "/home"] {
        assert!(!document.to_string().contains(word), "{document}");
    }
}

#[tokio::test]
async fn v15_3_3_fields_that_nobody_asked_for_are_refused() {
    let app = TestApp::start().await;
    for (field, value) in
        [("role", json!("admin")), ("superAdmin", json!(true)), ("organizationId", json!(app.admin.organization)), ("__proto__", json!({}))]
    {
        let mut body = registration();
        body[field] = value.clone();
        let _ = app.anybody().post_json("/api/auth/register", body).await.expect(StatusCode::BAD_REQUEST);
        let _ = app.post_json("/api/contacts", json!({ "name": "Ada", field: value })).await.expect(StatusCode::BAD_REQUEST);
    }
    let members: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut app.database.owner().await).await.unwrap();
    assert_eq!(members, 1);
    let told: Value = app.get("/api/auth/me").await.json();
    assert_eq!(told["role"], "admin");
}
