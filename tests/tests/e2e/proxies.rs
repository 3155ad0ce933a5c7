//! Whose address counts, and what a client may say about itself.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::app::{Answer, TestApp};

const QUOTA: u32 = 4;

/// A write from a client that says so about itself.
async fn write(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    let request = app.anybody().request(Method::POST, "/api/contacts").json(&json!({}));
    app.anybody().send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

async fn is_exhausted(app: &TestApp, headers: &[(&str, &str)]) -> bool {
    match write(app, headers).await.status {
        StatusCode::UNAUTHORIZED => false,
        StatusCode::TOO_MANY_REQUESTS => true,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_a_quota() {
    let app = TestApp::start_with(|config| {
        config.api.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.limits.writes_per_minute = QUOTA;
    })
    .await;
    for _ in 0..QUOTA {
        assert!(!is_exhausted(&app, &[("x-forwarded-for", "203.0.113.7")]).await);
    }
    assert!(is_exhausted(&app, &[("x-forwarded-for", "203.0.113.7")]).await);
    // What the client wrote itself stands further left.
    assert!(is_exhausted(&app, &[("x-forwarded-for", "198.51.100.1, 203.0.113.7")]).await);
    assert!(is_exhausted(&app, &[("x-forwarded-for", "198.51.100.2"), ("x-forwarded-for", "203.0.113.7")]).await);
    assert!(is_exhausted(&app, &[("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=198.51.100.3")]).await);
    assert!(!is_exhausted(&app, &[("x-forwarded-for", "203.0.113.8")]).await);
    // All of a customer's IPv6 addresses are one client.
    for host in 1..=QUOTA {
        assert!(!is_exhausted(&app, &[("x-forwarded-for", &format!("2001:db8:0:1::{host}"))]).await);
    }
    assert!(is_exhausted(&app, &[("x-forwarded-for", "2001:db8:0:1::ffff")]).await);
    assert!(!is_exhausted(&app, &[("x-forwarded-for", "2001:db8:0:2::1")]).await);
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let app = TestApp::start_with(|config| {
        config.api.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        config.limits.writes_per_minute = QUOTA;
    })
    .await;
    let mut exhausted = false;
    for round in 0..=QUOTA {
        let spoofed = format!("203.0.113.{round}");
        let forwarded = format!("for={spoofed}");
        let headers =
            [("x-forwarded-for", spoofed.as_str()), ("forwarded", &forwarded), ("x-real-ip", &spoofed), ("true-client-ip", &spoofed)];
        exhausted = is_exhausted(&app, &headers).await;
    }
    assert!(exhausted, "each invented address had a quota");
}

#[tokio::test]
async fn links_in_mails_lead_to_the_configured_address_whatever_a_request_says() {
    let app = TestApp::start_with(|config| config.api.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let request = app.anybody().request(Method::POST, "/api/auth/forgot-password").json(&json!({ "email": app.admin.email }));
    let request =
        ["host", "x-forwarded-host", "x-original-host"].into_iter().fold(request, |request, name| request.header(name, "evil.example"));
    let request = request.header("x-forwarded-proto", "gopher").header("forwarded", "for=1.2.3.4;host=evil.example");
    let answer = app.anybody().send(request).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let mut owner = app.database.owner().await;
    // Whatever was written down because of it: the mail, its job, the request for a reset.
    let told: String = sqlx::query_scalar("select database_to_xml(false, false, '')::text").fetch_one(&mut owner).await.unwrap();
    assert!(told.contains("mail.send") || told.contains("passwordReset") || told.contains("identity."), "nothing was written down");
    assert!(!told.contains("evil.example"));
}
