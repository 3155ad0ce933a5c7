//! Two-step login, and proving once more who one is.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{Answer, PASSWORD, TestApp};

const TWO_STEP: &str = "/api/auth/two-step";
const STEP_UP: &str = "/api/auth/step-up";

async fn login(app: &TestApp, code: Option<&str>) -> Answer {
    let mut body = json!({ "email": app.admin.email, "password": PASSWORD });
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    app.anybody().post_json("/api/auth/login", body).await
}

#[tokio::test]
async fn where_two_step_login_is_on_a_password_is_not_enough() {
    let app = TestApp::start().await;
    let status = async || app.get(TWO_STEP).await.expect(StatusCode::OK).json::<Value>();
    assert_eq!(status().await, json!({ "enabled": false, "confirmedAt": null, "recoveryCodesLeft": 0 }));
    let two_step = app.two_step(&app.admin.client).await;
    assert_eq!((&status().await["enabled"], &status().await["recoveryCodesLeft"]), (&json!(true), &json!(10)));

    login(&app, None).await.problem(StatusCode::UNAUTHORIZED, "two-step-required");
    login(&app, Some("000000")).await.problem(StatusCode::UNAUTHORIZED, "two-step-code-wrong");
    app.clock.advance(TimeDelta::seconds(30));
    let code = two_step.code(&app);
    let _ = login(&app, Some(&code)).await.expect(StatusCode::OK);
    login(&app, Some(&code)).await.problem(StatusCode::UNAUTHORIZED, "two-step-code-wrong");
    // A wrong password with a right code is a wrong password.
    app.clock.advance(TimeDelta::seconds(30));
    let body = json!({ "email": app.admin.email, "password": "wrong password", "code": two_step.code(&app) });
    app.anybody().post_json("/api/auth/login", body).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");

    let _ = login(&app, Some(&two_step.recovery_codes[0])).await.expect(StatusCode::OK);
    login(&app, Some(&two_step.recovery_codes[0])).await.problem(StatusCode::UNAUTHORIZED, "two-step-code-wrong");
    assert_eq!(status().await["recoveryCodesLeft"], 9);
    assert!(app.mails_to(&app.admin.email).await.contains(&"twoStepChanged".to_owned()));
}

#[tokio::test]
async fn a_begun_two_step_login_is_on_only_after_a_first_code() {
    let app = TestApp::start().await;
    app.post_json(&format!("{TWO_STEP}/confirm"), json!({ "code": "123456" })).await.problem(StatusCode::CONFLICT, "two-step-off");
    let first: Value = app.post(TWO_STEP).await.expect(StatusCode::OK).json();
    assert!(first["url"].as_str().unwrap().starts_with("otpauth://totp/Heliograph:"), "{first}");
    let second: Value = app.post(TWO_STEP).await.expect(StatusCode::OK).json();
    assert_ne!(first["secret"], second["secret"], "beginning again makes a new secret");
    let stale = tests::accounts::totp(first["secret"].as_str().unwrap(), kernel::Clock::now(&*app.clock));
    app.post_json(&format!("{TWO_STEP}/confirm"), json!({ "code": stale })).await.field_problem("code", "wrong");
    let _ = login(&app, None).await.expect(StatusCode::OK);
    let _ = app.two_step(&app.admin.client).await;
    app.post(TWO_STEP).await.problem(StatusCode::CONFLICT, "two-step-on");
}

#[tokio::test]
async fn recovery_codes_are_renewed_and_two_step_login_switched_off_after_a_fresh_proof() {
    let app = TestApp::start().await;
    let two_step = app.two_step(&app.admin.client).await;
    app.clock.advance(TimeDelta::minutes(11));
    let renew = format!("{TWO_STEP}/recovery-codes");
    app.post(&renew).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    app.delete(TWO_STEP).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    app.post(TWO_STEP).await.problem(StatusCode::FORBIDDEN, "step-up-required");

    app.post_json(STEP_UP, json!({ "password": PASSWORD })).await.field_problem("code", "missing");
    app.post_json(STEP_UP, json!({ "password": "wrong password", "code": two_step.code(&app) })).await.field_problem("password", "wrong");
    app.post_json(STEP_UP, json!({ "code": "000000" })).await.field_problem("code", "wrong");
    let _ = app.post_json(STEP_UP, json!({ "password": PASSWORD, "code": two_step.code(&app) })).await.expect(StatusCode::NO_CONTENT);

    let told: Value = app.post(&renew).await.expect(StatusCode::OK).json();
    assert_eq!(told["recoveryCodes"].as_array().map(Vec::len), Some(10));
    login(&app, Some(&two_step.recovery_codes[0])).await.problem(StatusCode::UNAUTHORIZED, "two-step-code-wrong");
    let _ = login(&app, told["recoveryCodes"][0].as_str()).await.expect(StatusCode::OK);

    let _ = app.delete(TWO_STEP).await.expect(StatusCode::NO_CONTENT);
    let _ = login(&app, None).await.expect(StatusCode::OK);
    app.delete(TWO_STEP).await.problem(StatusCode::CONFLICT, "two-step-off");
    let acts = app.acts_of(app.admin.organization).await;
    for act in ["twoStep.confirm", "twoStep.renewCodes", "twoStep.disable", "logins.stepUp"] {
        assert!(acts.iter().any(|told| told == act), "{act}: {acts:?}");
    }
}

#[tokio::test]
async fn a_proof_by_password_lasts_ten_minutes() {
    let app = TestApp::start().await;
    // Whoever signs in has proved who they are.
    let _ = app.post(TWO_STEP).await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::minutes(10));
    app.post(TWO_STEP).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    app.post_json(STEP_UP, json!({})).await.field_problem("password", "missing");
    app.post_json(STEP_UP, json!({ "password": "wrong password" })).await.field_problem("password", "wrong");
    app.post(TWO_STEP).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    let _ = app.post_json(STEP_UP, json!({ "password": PASSWORD })).await.expect(StatusCode::NO_CONTENT);
    let _ = app.post(TWO_STEP).await.expect(StatusCode::OK);
    // Renewing the login is no proof.
    let cookie = app.admin.cookie.clone();
    app.clock.advance(TimeDelta::minutes(10));
    let renewed: Value = app.anybody().post_cookie("/api/auth/refresh", &cookie).await.expect(StatusCode::OK).json();
    let renewed = app.anybody().with_token(renewed["accessToken"].as_str().unwrap());
    renewed.post(TWO_STEP).await.problem(StatusCode::FORBIDDEN, "step-up-required");
}

#[tokio::test]
async fn a_login_by_password_alone_is_no_proof_once_two_step_login_is_on() {
    let app = TestApp::start().await;
    let other: Value = login(&app, None).await.expect(StatusCode::OK).json();
    let other = app.anybody().with_token(other["accessToken"].as_str().unwrap());
    let _ = other.post(TWO_STEP).await.expect(StatusCode::OK);
    let two_step = app.two_step(&app.admin.client).await;
    other.delete(TWO_STEP).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    let _ = other.get(TWO_STEP).await.expect(StatusCode::OK);
    let _ = app.post(&format!("{TWO_STEP}/recovery-codes")).await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(30));
    let _ = other.post_json(STEP_UP, json!({ "code": two_step.code(&app) })).await.expect(StatusCode::NO_CONTENT);
    let _ = other.delete(TWO_STEP).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_proof_that_another_process_took_counts_at_once() {
    let app = TestApp::start().await;
    app.clock.advance(TimeDelta::minutes(11));
    app.post(TWO_STEP).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    sqlx::query("update sessions set authenticated_at = $1")
        .bind(kernel::Clock::now(&*app.clock))
        .execute(&mut app.database.owner().await)
        .await
        .unwrap();
    let _ = app.post(TWO_STEP).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn wrong_proofs_count_as_failed_logins() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        app.post_json(STEP_UP, json!({ "password": "wrong password" })).await.field_problem("password", "wrong");
    }
    app.post_json(STEP_UP, json!({ "password": PASSWORD })).await.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-failed-logins");
    login(&app, None).await.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-failed-logins");
}
