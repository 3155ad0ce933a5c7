//! Chapter V6.5: codes of the second step.

use chrono::TimeDelta;
use kernel::Clock;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{Answer, PASSWORD, TestApp};
use totp_rs::Totp;

/// An API whose admin has switched two-step login on: the app, and the recovery codes.
async fn enrolled() -> (TestApp, Totp, Vec<String>) {
    let app = TestApp::start().await;
    let begun: Value = app.post("/api/auth/two-step").await.expect(StatusCode::OK).json();
    let totp = Totp::from_url_unchecked(begun["url"].as_str().expect("a url")).expect("an otpauth address");
    app.post_json("/api/auth/two-step/confirm", json!({ "code": other_than(&code(&totp, &app, 0)) })).await.expect_client_error();
    let confirmed: Value =
        app.post_json("/api/auth/two-step/confirm", json!({ "code": code(&totp, &app, 0) })).await.expect(StatusCode::OK).json();
    let codes = confirmed["recoveryCodes"].as_array().expect("a list").iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    (app, totp, codes)
}

trait ExpectClientError {
    fn expect_client_error(self);
}

impl ExpectClientError for Answer {
    #[track_caller]
    fn expect_client_error(self) {
        assert!(self.status.is_client_error(), "{}: {} {}", self.asked, self.status, self.text());
    }
}

/// The code that the app shows, so many steps of 30 s away.
fn code(totp: &Totp, app: &TestApp, steps: i64) -> String {
    totp.generate(u64::try_from(app.clock.now().timestamp() + 30 * steps).expect("after 1970")).to_string()
}

fn other_than(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().expect("six digits") + 1) % 1_000_000)
}

async fn login(app: &TestApp, code: Option<&str>) -> Answer {
    let mut body = json!({ "email": app.admin.email, "password": PASSWORD });
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    app.anybody().post_json("/api/auth/login", body).await
}

#[tokio::test]
async fn v6_3_3_where_two_steps_are_on_a_password_is_not_enough() {
    let (app, totp, _) = enrolled().await;
    app.clock.advance(TimeDelta::seconds(60));
    let answer = login(&app, None).await;
    assert!(answer.header("set-cookie").is_none(), "{:?}", answer.headers);
    answer.problem(StatusCode::UNAUTHORIZED, "two-step-required");
    // Who does not know the password does not learn that there is a second step.
    let body = json!({ "email": app.admin.email, "password": "wrong password" });
    app.anybody().post_json("/api/auth/login", body).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
    let _ = login(&app, Some(&code(&totp, &app, 0))).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v6_5_1_each_code_counts_once() {
    let (app, totp, recovery) = enrolled().await;
    app.clock.advance(TimeDelta::seconds(90));
    let shown = code(&totp, &app, 0);
    let _ = login(&app, Some(&shown)).await.expect(StatusCode::OK);
    login(&app, Some(&shown)).await.expect_client_error();
    // Nor one that was shown before it.
    login(&app, Some(&code(&totp, &app, -1))).await.expect_client_error();
    let _ = login(&app, Some(&recovery[0])).await.expect(StatusCode::OK);
    login(&app, Some(&recovery[0])).await.expect_client_error();
    let _ = login(&app, Some(&recovery[1].to_uppercase())).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v6_5_1_two_logins_with_one_code_at_once_are_one_login() {
    let (app, totp, _) = enrolled().await;
    app.clock.advance(TimeDelta::seconds(90));
    let shown = code(&totp, &app, 0);
    let logins = (0..4).map(|_| login(&app, Some(&shown)));
    let statuses: Vec<_> = futures::future::join_all(logins).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| status.is_success()).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn v6_5_2_secrets_and_recovery_codes_are_not_kept_as_they_are() {
    let (app, totp, recovery) = enrolled().await;
    let dump: Vec<String> = sqlx::query_scalar(
        "select two_step::text from two_step union all select recovery_codes::text from recovery_codes
         union all select audit_events::text from audit_events union all select mails::text from mails",
    )
    .fetch_all(&mut app.database.owner().await)
    .await
    .unwrap();
    let secret = totp.secret();
    let written = [secret.to_base32(), hex::encode(secret.as_bytes())];
    for row in &dump {
        for secret in written.iter().chain(&recovery) {
            assert!(!row.contains(secret.as_str()) && !row.contains(&hex::encode(secret)), "{row}");
        }
    }
    assert!(recovery.len() >= 8 && recovery.iter().all(|code| code.len() >= 12), "{} codes", recovery.len());
    // Nor told again.
    let told = app.get("/api/auth/two-step").await.expect(StatusCode::OK).text();
    assert!(written.iter().chain(&recovery).all(|secret| !told.contains(secret.as_str())), "{told}");
}

#[tokio::test]
async fn v6_5_5_a_code_lives_for_its_step_and_one_beside_it() {
    for steps in [-3, -2, 2, 3] {
        let (app, totp, _) = enrolled().await;
        app.clock.advance(TimeDelta::minutes(5));
        login(&app, Some(&code(&totp, &app, steps))).await.expect_client_error();
    }
    let (app, totp, _) = enrolled().await;
    app.clock.advance(TimeDelta::minutes(5));
    let _ = login(&app, Some(&code(&totp, &app, -1))).await.expect(StatusCode::OK);
    let _ = login(&app, Some(&code(&totp, &app, 1))).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn v6_6_3_codes_cannot_be_tried_out() {
    let (app, totp, _) = enrolled().await;
    app.clock.advance(TimeDelta::seconds(90));
    let wrong = other_than(&code(&totp, &app, 0));
    let mut refused = None;
    for round in 1..=8 {
        if login(&app, Some(&wrong)).await.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(round);
            break;
        }
    }
    assert!(refused.is_some_and(|round| round <= 6), "after 5 wrong codes one has to wait: {refused:?}");
}

#[tokio::test]
async fn v7_5_1_two_steps_are_switched_off_only_by_who_just_proved_both() {
    let (app, totp, _) = enrolled().await;
    app.clock.advance(TimeDelta::minutes(11));
    app.delete("/api/auth/two-step").await.problem(StatusCode::FORBIDDEN, "step-up-required");
    // The password alone proves nothing here.
    app.post_json("/api/auth/step-up", json!({ "password": PASSWORD })).await.expect_client_error();
    let _ = app
        .post_json("/api/auth/step-up", json!({ "password": PASSWORD, "code": code(&totp, &app, 0) }))
        .await
        .expect(StatusCode::NO_CONTENT);
    let _ = app.delete("/api/auth/two-step").await.expect(StatusCode::NO_CONTENT);
    let _ = login(&app, None).await.expect(StatusCode::OK);
    let mails: i64 = sqlx::query_scalar("select count(*) from mails where kind = 'twoStepChanged'")
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap();
    assert_eq!(mails, 2, "told when it was switched on, and when off");
}
