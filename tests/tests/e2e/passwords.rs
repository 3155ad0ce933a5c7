//! Passwords: their rules, forgotten ones, changed ones, and what slows down who guesses them.

use chrono::TimeDelta;
use crm::identity::one_time::Purpose;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{Answer, PASSWORD, TestApp, registration};

const FORGOT: &str = "/api/auth/forgot-password";
const RESET: &str = "/api/auth/reset-password";
const CHANGE: &str = "/api/auth/change-password";
const LOGIN: &str = "/api/auth/login";
const ME: &str = "/api/auth/me";
const OTHER: &str = "another quiet staple";

async fn login(app: &TestApp, password: &str) -> Answer {
    app.anybody().post_json(LOGIN, json!({ "email": app.admin.email, "password": password })).await
}

/// Asks for a link and answers its token.
async fn link(app: &TestApp) -> String {
    let _ = app.anybody().post_json(FORGOT, json!({ "email": app.admin.email })).await.expect(StatusCode::ACCEPTED);
    assert_eq!(app.run_identity_jobs().await, 1);
    app.newest_link(app.admin.user, Purpose::PasswordReset).await.expect("a link")
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.anybody().post_json(RESET, json!({ "token": token, "newPassword": password })).await
}

#[tokio::test]
async fn a_password_that_is_guessed_first_cannot_be_chosen() {
    let app = TestApp::start().await;
    for (password, code) in [
        ("password12", "too-common"),
        ("qwertyuiop", "too-common"),
        ("iloveyou123", "too-common"),
        ("AnalyticaL99", "own-words"),
        ("Lovelace1815", "own-words"),
        ("Heliograph-1", "own-words"),
        ("ninechars", "too-short"),
    ] {
        let mut body = registration();
        body["password"] = json!(password);
        body["confirmPassword"] = json!(password);
        app.anybody().post_json("/api/auth/register", body).await.field_problem("password", code);
    }
    let mut body = registration();
    let long = "a long passphrase of ordinary words that nobody would ever guess";
    (body["password"], body["confirmPassword"]) = (json!(long), json!(long));
    let _ = app.anybody().post_json("/api/auth/register", body).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_the_link_of_a_mail() {
    let app = TestApp::start().await;
    let token = link(&app).await;
    assert_eq!(app.mails_to(&app.admin.email).await, ["emailVerification", "passwordReset"]);
    let answer = reset(&app, &token, OTHER).await.expect(StatusCode::NO_CONTENT);
    assert!(answer.header("set-cookie").is_none(), "nobody is signed in by a reset");

    // All logins have ended, the old password with them.
    app.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie("/api/auth/refresh", &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    login(&app, PASSWORD).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
    let fresh: Value = login(&app, OTHER).await.expect(StatusCode::OK).json();
    let fresh = app.anybody().with_token(fresh["accessToken"].as_str().unwrap());
    assert_eq!(fresh.get(ME).await.json::<Value>()["user"]["emailVerified"], true, "who reads the mail has the address");
    assert_eq!(app.mails_to(&app.admin.email).await, ["emailVerification", "passwordReset", "passwordChanged"]);
    let acts = app.acts_of(app.admin.organization).await;
    assert!(["passwords.requestReset", "passwords.reset"].iter().all(|act| acts.iter().any(|told| told == act)), "{acts:?}");

    reset(&app, &token, "yet another staple").await.problem(StatusCode::BAD_REQUEST, "link-invalid");
}

#[tokio::test]
async fn asking_for_a_link_tells_nothing_about_accounts() {
    let app = TestApp::start().await;
    let mut told = Vec::new();
    for email in [&*app.admin.email, "nobody@example.com", &app.admin.email.to_uppercase()] {
        let answer = app.anybody().post_json(FORGOT, json!({ "email": email })).await.expect(StatusCode::ACCEPTED);
        let mut headers: Vec<String> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        headers.sort();
        told.push((answer.body, headers));
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    assert_eq!(app.mails_to(&app.admin.email).await, ["emailVerification"], "the request itself mails nothing");
    assert_eq!(app.run_identity_jobs().await, 3);
    assert_eq!(app.mails_to("nobody@example.com").await.len(), 0);
}

#[tokio::test]
async fn a_link_is_good_for_half_an_hour_and_until_a_newer_one_comes() {
    let app = TestApp::start().await;
    let first = link(&app).await;
    let second = link(&app).await;
    assert_ne!(first, second);
    reset(&app, &first, OTHER).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    // A password that breaks a rule does not use the link up.
    reset(&app, &second, "password12").await.field_problem("newPassword", "too-common");
    reset(&app, &second, "Lovelace1815").await.field_problem("newPassword", "own-words");
    app.clock.advance(TimeDelta::minutes(30));
    reset(&app, &second, OTHER).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    for nonsense in ["", "x", &"A".repeat(43)] {
        reset(&app, nonsense, OTHER).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    }
    let _ = login(&app, PASSWORD).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_link_is_worthless_once_the_member_is_disabled() {
    let app = TestApp::start().await;
    let token = link(&app).await;
    sqlx::query("update memberships set disabled_at = now()").execute(&mut app.database.owner().await).await.unwrap();
    reset(&app, &token, OTHER).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
}

#[tokio::test]
async fn two_who_use_a_link_at_once_do_not_both_succeed() {
    let app = TestApp::start().await;
    let token = link(&app).await;
    let (one, other) = tokio::join!(reset(&app, &token, OTHER), reset(&app, &token, "yet another staple"));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
}

#[tokio::test]
async fn who_changes_the_password_stays_signed_in_and_nobody_else_does() {
    let app = TestApp::start().await;
    let elsewhere = app.anybody().login(&app.admin.email).await;
    let token = link(&app).await;
    let body = |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new });
    app.post_json(CHANGE, body("wrong password", OTHER)).await.field_problem("currentPassword", "wrong");
    app.post_json(CHANGE, body(PASSWORD, "iloveyou123")).await.field_problem("newPassword", "too-common");
    let _ = app.post_json(CHANGE, body(PASSWORD, OTHER)).await.expect(StatusCode::NO_CONTENT);

    let _ = app.get(ME).await.expect(StatusCode::OK);
    elsewhere.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    login(&app, PASSWORD).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
    let _ = login(&app, OTHER).await.expect(StatusCode::OK);
    reset(&app, &token, "yet another staple").await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    assert!(app.mails_to(&app.admin.email).await.contains(&"passwordChanged".to_owned()));
}

#[tokio::test]
async fn failures_slow_down_and_are_told_when_to_come_back() {
    let app = TestApp::start().await;
    // A network that no login has come from: the admin's own is never slowed down by what happens elsewhere, but by its own failures.
    for _ in 0..5 {
        login(&app, "wrong password").await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
    }
    let answer = login(&app, PASSWORD).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-failed-logins");
    // Failures of the old password count the same.
    let body = json!({ "currentPassword": PASSWORD, "newPassword": OTHER });
    app.post_json(CHANGE, body).await.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-failed-logins");
    // Others are not slowed down.
    let _ = app.stranger().await;
    app.clock.advance(TimeDelta::seconds(1));
    let _ = login(&app, PASSWORD).await.expect(StatusCode::OK);
    login(&app, "wrong password").await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
}

#[tokio::test]
async fn a_failed_login_is_in_the_audit_log_of_a_known_account() {
    let app = TestApp::start().await;
    login(&app, "wrong password").await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let told: Option<(String, String)> = sqlx::query_as("select actor_kind, details from audit_events where action = 'logins.fail'")
            .fetch_optional(&mut app.database.owner().await)
            .await
            .unwrap();
        if let Some((actor, details)) = told {
            assert_eq!((&*actor, &*details), ("nobody", r#"{"reason":"wrongPassword"}"#));
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "it is written soon after the answer");
        tokio::task::yield_now().await;
    }
}
