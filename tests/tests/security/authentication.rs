//! Chapter V6: guessing passwords, and learning who has an account.

use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::app::{Answer, PASSWORD, TestApp, registration};

const LOGIN: &str = "/api/auth/login";

/// An API that believes this machine who the client is.
async fn behind_a_proxy() -> TestApp {
    TestApp::start_with(|config| {
        config.api.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
        config.limits.logins_per_minute = 100_000;
    })
    .await
}

async fn login_from(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    let request = app.anybody().request(Method::POST, LOGIN).header("x-forwarded-for", address);
    app.anybody().send(request.json(&json!({ "email": email, "password": password }))).await
}

/// What of an answer an attacker can compare.
fn comparable(answer: &Answer) -> (StatusCode, Vec<String>, Value) {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "ratelimit", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("requestId");
    }
    (answer.status, headers, body)
}

#[tokio::test]
async fn v6_3_1_guessing_a_password_is_slowed_down() {
    let app = behind_a_proxy().await;
    for email in [&*app.admin.email, "nobody@example.com"] {
        let mut wait = 0;
        for round in 0..12 {
            let answer = login_from(&app, "203.0.113.7", email, &format!("wrong password {round}")).await;
            if round < 5 {
                let _ = answer.expect(StatusCode::UNAUTHORIZED);
                continue;
            }
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{email}, attempt {round}: {}", answer.text());
            let told: i64 = answer.header("retry-after").expect("when to try again").parse().expect("seconds");
            assert!((1..=60).contains(&told) && told >= wait, "{email}: {told} s after {wait} s");
            wait = told;
            // Having waited, one more is looked at, and costs more.
            app.clock.advance(TimeDelta::seconds(told));
            let _ = login_from(&app, "203.0.113.7", email, "another wrong password").await.expect(StatusCode::UNAUTHORIZED);
        }
        assert_eq!(wait, 60, "{email}: the longest wait");
    }
}

#[tokio::test]
async fn v6_3_1_many_guesses_at_once_are_no_more_than_in_turn() {
    let app = behind_a_proxy().await;
    let guesses = (0..20).map(|round| {
        let app = &app;
        async move { login_from(app, "203.0.113.7", &app.admin.email, &format!("wrong password {round}")).await.status }
    });
    let statuses = join_all(guesses).await;
    let looked_at = statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert!(looked_at <= 5, "{looked_at} of 20 guesses at once were looked at");
}

#[tokio::test]
async fn v6_3_1_nobody_locks_another_person_out() {
    let app = behind_a_proxy().await;
    let home = "198.51.100.9";
    let _ = login_from(&app, home, &app.admin.email, PASSWORD).await.expect(StatusCode::OK);
    for round in 0..60 {
        // An attacker with many networks.
        let _ = login_from(&app, &format!("203.0.{round}.7"), &app.admin.email, "wrong password").await;
    }
    let attacker = login_from(&app, "203.0.200.7", &app.admin.email, "wrong password").await;
    assert_eq!(attacker.status, StatusCode::TOO_MANY_REQUESTS, "{}", attacker.text());
    let _ = login_from(&app, home, &app.admin.email, PASSWORD).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v6_3_1_attempts_of_an_address_are_limited() {
    let app = TestApp::start_with(|config| config.limits.logins_per_minute = 4).await;
    let mut statuses = Vec::new();
    for round in 0..12 {
        let body = json!({ "email": format!("nobody-{round}@example.com"), "password": "wrong password" });
        let answer = app.anybody().post_json(LOGIN, body).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.header("retry-after").is_some() && answer.header("ratelimit").is_some(), "{:?}", answer.headers);
        }
        statuses.push(answer.status);
    }
    let refused = statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count();
    assert!(refused >= 4, "{statuses:?}");
}

#[tokio::test]
async fn v6_3_8_a_refused_login_looks_the_same_whoever_it_was() {
    let app = behind_a_proxy().await;
    let disabled = app.colleague("agent").await;
    let _ = app.post(&format!("/api/users/{}/disable", disabled.user)).await;
    let body = json!({ "email": "invited@example.com", "firstName": "In", "lastName": "Vited", "role": "agent" });
    let invited = app.post_json("/api/users", body).await;
    assert!(invited.status.is_success(), "{}", invited.text());
    let closed = app.stranger().await;
    sqlx::query("update organizations set deactivated_at = now() where id = $1")
        .bind(closed.organization.uuid())
        .execute(&mut app.database.owner().await)
        .await
        .unwrap();
    let cases = [
        ("a wrong password", &*app.admin.email, "wrong password"),
        ("an unknown address", "nobody@example.com", PASSWORD),
        ("no address", "nonsense", PASSWORD),
        ("an empty password", &*app.admin.email, ""),
        ("a disabled member", &*disabled.email, PASSWORD),
        ("somebody who has not joined", "invited@example.com", PASSWORD),
        ("a deactivated organization", &*closed.email, PASSWORD),
    ];
    let first = comparable(&login_from(&app, "203.0.113.1", "first@example.com", PASSWORD).await);
    assert_eq!(first.0, StatusCode::UNAUTHORIZED);
    for (number, (who, email, password)) in cases.into_iter().enumerate() {
        let answer = login_from(&app, &format!("203.0.{number}.1"), email, password).await;
        assert_eq!(comparable(&answer), first, "{who}");
    }
}

#[tokio::test]
async fn v6_3_8_a_forgotten_password_looks_the_same_whoever_asks() {
    let app = TestApp::start().await;
    let ask = async |email: &str| app.anybody().post_json("/api/auth/forgot-password", json!({ "email": email })).await;
    let first = comparable(&ask("nobody@example.com").await);
    assert_eq!(first.0, StatusCode::ACCEPTED);
    for email in [&*app.admin.email, &app.admin.email.to_uppercase(), "somebody-else@example.com"] {
        assert_eq!(comparable(&ask(email).await), first, "{email}");
    }
    // Nothing is mailed while the request is answered: whether there is an account is found out afterwards.
    let mails: i64 = sqlx::query_scalar("select count(*) from mails where kind = 'passwordReset'")
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap();
    assert_eq!(mails, 0);
}

/// That an address has an account is told when it registers again (409); how often that can be asked is limited.
#[tokio::test]
async fn v6_3_8_registering_to_find_accounts_is_limited() {
    let app = TestApp::start_with(|config| config.limits.registrations_per_hour = 3).await;
    let mut body = registration();
    body["email"] = json!(app.admin.email);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(app.anybody().post_json("/api/auth/register", body.clone()).await.status);
    }
    assert_eq!(statuses[0], StatusCode::CONFLICT);
    assert_eq!(statuses[5], StatusCode::TOO_MANY_REQUESTS, "{statuses:?}");
}

#[tokio::test]
async fn v6_3_8_a_wrong_link_looks_the_same_whatever_is_wrong_with_it() {
    let app = TestApp::start().await;
    for (path, field) in [("/api/auth/reset-password", "newPassword"), ("/api/auth/accept-invitation", "password")] {
        let ask = async |token: &str| {
            let mut body = json!({ "token": token, field: "a horse of quite another colour" });
            if path.ends_with("invitation") {
                body["agreeToTerms"] = json!(true);
            }
            comparable(&app.anybody().post_json(path, body).await)
        };
        let first = ask(&"A".repeat(43)).await;
        assert!(first.0.is_client_error(), "{path}: {first:?}");
        for token in ["", "nonsense", &"B".repeat(43), &"é".repeat(43), "../../etc/passwd"] {
            assert_eq!(ask(token).await, first, "{path}: {token}");
        }
    }
}
