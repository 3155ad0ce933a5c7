//! Signing up, signing in, staying signed in, signing out.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{PASSWORD, TestApp, registration};

const REFRESH: &str = "/api/auth/refresh";
const ME: &str = "/api/auth/me";

#[tokio::test]
async fn whoever_registers_is_signed_in_as_admin_of_a_new_organization() {
    let app = TestApp::start().await;
    let mut body = registration();
    body["email"] = json!("Grace.Hopper@Example.COM");
    let answer = app.anybody().post_json("/api/auth/register", body).await.expect(StatusCode::CREATED);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    for part in ["; Path=/api/auth;", "; HttpOnly", "; SameSite=Strict", "; Max-Age=604800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let told: Value = answer.json();
    assert_eq!(told["user"]["email"], "grace.hopper@example.com");
    assert_eq!(told["user"]["phoneNumber"], "+4915123456789");
    assert_eq!(told["organization"]["name"], "Analytical Engines");

    let me: Value = app.anybody().with_token(told["accessToken"].as_str().unwrap()).get(ME).await.expect(StatusCode::OK).json();
    assert_eq!((&me["user"], &me["organization"]), (&told["user"], &told["organization"]));
    assert_eq!(me["role"], "admin");
    assert!(me["permissions"].as_array().unwrap().contains(&json!("jobs.manage")));
}

#[tokio::test]
async fn an_address_registers_once_in_whatever_letter_case() {
    let app = TestApp::start().await;
    let mut body = registration();
    body["email"] = json!(app.admin.email.to_uppercase());
    let document = app.anybody().post_json("/api/auth/register", body).await.problem(StatusCode::CONFLICT, "email-taken");
    assert_eq!(document["errors"][0]["field"], "email");
    let organizations: i64 =
        sqlx::query_scalar("select count(*) from organizations").fetch_one(&mut app.database.owner().await).await.unwrap();
    assert_eq!(organizations, 1, "the refused registration left an organization behind");
}

#[tokio::test]
async fn every_rule_of_a_registration_is_told() {
    let app = TestApp::start().await;
    let cases = [
        ("agreeToTerms", json!(false), "required"),
        ("confirmPassword", json!("something else"), "different"),
        ("phoneNumber", json!("015123456789"), "country-code-missing"),
        ("phoneNumber", json!("+4912"), "invalid"),
        ("email", json!("not an address"), "invalid"),
        ("firstName", json!("  "), "empty"),
        ("businessName", json!("x".repeat(201)), "too-long"),
    ];
    for (field, value, code) in cases {
        let mut body = registration();
        body[field] = value;
        app.anybody().post_json("/api/auth/register", body).await.field_problem(field, code);
    }
    for (password, code) in [("short", "too-short"), (&*"x".repeat(129), "too-long")] {
        let mut body = registration();
        body["password"] = json!(password);
        body["confirmPassword"] = json!(password);
        app.anybody().post_json("/api/auth/register", body).await.field_problem("password", code);
    }
}

#[tokio::test]
async fn the_other_names_of_registration_and_login_answer_alike() {
    let app = TestApp::start().await;
    let body = json!({ "fullName": "Mary Jackson", "email": "mary@example.com", "password": PASSWORD, "agreeToTerms": true });
    let told: Value = app.anybody().post_json("/api/auth/signup", body).await.expect(StatusCode::CREATED).json();
    assert_eq!((&told["user"]["firstName"], &told["user"]["lastName"]), (&json!("Mary"), &json!("Jackson")));
    assert_eq!(told["organization"]["name"], "Mary Jackson");
    let _ = app.anybody().post_json("/api/register", registration()).await.expect(StatusCode::CREATED);
    let body = json!({ "email": "mary@example.com", "password": PASSWORD });
    let told: Value = app.anybody().post_json("/api/auth/callback/credentials", body).await.expect(StatusCode::OK).json();
    let me = app.anybody().with_token(told["accessToken"].as_str().unwrap()).get("/api/auth/session").await.expect(StatusCode::OK);
    assert_eq!(me.json::<Value>()["user"]["email"], "mary@example.com");
}

#[tokio::test]
async fn a_login_tells_nothing_about_accounts() {
    let app = TestApp::start().await;
    let login = |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        async { app.anybody().post_json("/api/auth/login", body).await }
    };
    let answer = login(&app.admin.email.to_uppercase(), PASSWORD).await.expect(StatusCode::OK);
    assert!(answer.cookie().starts_with("refreshToken="));
    assert!(answer.json::<Value>()["accessToken"].is_string());

    let mut told = Vec::new();
    let long = "x".repeat(100_000);
    for (email, password) in [
        (&*app.admin.email, "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        (&*app.admin.email, ""),
        (&*app.admin.email, &*long),
    ] {
        let mut document = login(email, password).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
        document.as_object_mut().unwrap().remove("requestId");
        told.push(document);
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let app = TestApp::start().await;
    let first = app.admin.cookie.clone();
    let answer = app.anybody().post_cookie(REFRESH, &first).await.expect(StatusCode::OK);
    let second = answer.cookie();
    assert_ne!(first, second);
    let access = answer.json::<Value>()["accessToken"].as_str().unwrap().to_owned();
    let _ = app.anybody().with_token(&access).get(ME).await.expect(StatusCode::OK);
    let third = app.anybody().post_cookie(REFRESH, &second).await.expect(StatusCode::OK).cookie();

    // The first one is known to somebody who should not have it: the whole family ends.
    app.anybody().post_cookie(REFRESH, &first).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie(REFRESH, &third).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().with_token(&access).get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    // Other logins of the same person go on.
    let _ = app.anybody().login(&app.admin.email).await.get(ME).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again() {
    let app = TestApp::start().await;
    let lost = app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.expect(StatusCode::OK).cookie();
    app.clock.advance(TimeDelta::seconds(9));
    let again = app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.expect(StatusCode::OK).cookie();
    assert_eq!(lost, again, "a token has one successor");
    let _ = app.anybody().post_cookie(REFRESH, &again).await.expect(StatusCode::OK);
    // Now the successor was used: asking again is reuse.
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn a_lost_answer_cannot_be_asked_for_again_after_ten_seconds() {
    let app = TestApp::start().await;
    let next = app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.expect(StatusCode::OK).cookie();
    app.clock.advance(TimeDelta::seconds(11));
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie(REFRESH, &next).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn two_pages_that_refresh_at_once_both_stay_signed_in() {
    let app = TestApp::start().await;
    let (one, other) =
        tokio::join!(app.anybody().post_cookie(REFRESH, &app.admin.cookie), app.anybody().post_cookie(REFRESH, &app.admin.cookie));
    let (one, other) = (one.expect(StatusCode::OK).cookie(), other.expect(StatusCode::OK).cookie());
    assert_eq!(one, other);
    let _ = app.anybody().post_cookie(REFRESH, &one).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_login_that_is_not_used_ends() {
    let app = TestApp::start().await;
    app.clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn no_login_lasts_longer_than_thirty_days() {
    let app = TestApp::start().await;
    let mut cookie = app.admin.cookie.clone();
    for _ in 0..5 {
        app.clock.advance(TimeDelta::days(6) - TimeDelta::minutes(1));
        cookie = app.anybody().post_cookie(REFRESH, &cookie).await.expect(StatusCode::OK).cookie();
    }
    app.clock.advance(TimeDelta::minutes(10));
    app.anybody().post_cookie(REFRESH, &cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn a_refresh_without_a_good_cookie_is_refused() {
    let app = TestApp::start().await;
    app.anybody().post(REFRESH).await.problem(StatusCode::UNAUTHORIZED, "refresh-token-missing");
    app.anybody().post_cookie(REFRESH, "refreshToken=abc").await.problem(StatusCode::UNAUTHORIZED, "refresh-token-missing");
    let unknown = format!("refreshToken={}", "A".repeat(64));
    app.anybody().post_cookie(REFRESH, &unknown).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    // An access token is no refresh token, and the other way round.
    app.admin.client.post(REFRESH).await.problem(StatusCode::UNAUTHORIZED, "refresh-token-missing");
    let refresh = app.admin.cookie.split_once('=').unwrap().1;
    app.anybody().with_token(refresh).get(ME).await.problem(StatusCode::UNAUTHORIZED, "access-token-invalid");
}

#[tokio::test]
async fn signing_out_ends_the_login_at_once() {
    let app = TestApp::start().await;
    let _ = app.get(ME).await.expect(StatusCode::OK);
    let answer = app.anybody().post_cookie("/api/auth/logout", &app.admin.cookie).await.expect(StatusCode::OK);
    assert_eq!(answer.cookie(), "refreshToken=");
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    app.anybody().post_cookie(REFRESH, &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    let _ = app.anybody().post("/api/auth/logout").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_access_token_ends_after_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    app.clock.advance(TimeDelta::minutes(15));
    let _ = app.get(ME).await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(31));
    let answer = app.get(ME).await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    answer.problem(StatusCode::UNAUTHORIZED, "access-token-expired");
}

#[tokio::test]
async fn another_role_counts_within_five_seconds() {
    let app = TestApp::start().await;
    let _ = app.get("/api/jobs").await.expect(StatusCode::OK);
    sqlx::query("update memberships set role = 'viewer'").execute(&mut app.database.owner().await).await.unwrap();
    app.clock.advance(TimeDelta::seconds(5));
    app.get("/api/jobs").await.problem(StatusCode::FORBIDDEN, "right-missing");
    assert_eq!(app.get(ME).await.json::<Value>()["role"], "viewer");
}

#[tokio::test]
async fn a_token_of_another_installation_is_refused() {
    let app = TestApp::start().await;
    let other = TestApp::start_with(|config| config.auth.jwt_secret = "another secret of more than 32 characters".into()).await;
    app.anybody().with_token(other.admin.client.token()).get(ME).await.problem(StatusCode::UNAUTHORIZED, "access-token-invalid");
    app.anybody().get(ME).await.problem(StatusCode::UNAUTHORIZED, "sign-in-required");
}
