//! What people say of themselves: names, numbers, and that they read their mail.

use chrono::TimeDelta;
use crm::identity::one_time::Purpose;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{PASSWORD, TestApp};

const ME: &str = "/api/auth/me";
const PHONE: &str = "/api/users/update-phone";

#[tokio::test]
async fn people_change_their_own_profile() {
    let app = TestApp::start().await;
    let body = json!({ "firstName": " Augusta ", "lastName": "", "username": "Ada.1815", "phoneNumber": null });
    let told: Value = app.patch_json(ME, body).await.expect(StatusCode::OK).json();
    let me: Value = app.get(ME).await.json();
    assert_eq!(told, me);
    for (field, value) in
        [("firstName", json!("Augusta")), ("lastName", json!("")), ("username", json!("ada.1815")), ("phoneNumber", Value::Null)]
    {
        assert_eq!(me["user"][field], value, "{field}");
    }
    // What is left out stays.
    let me: Value = app.put_json(ME, json!({ "phoneNumber": "+49 151 23456789" })).await.expect(StatusCode::OK).json();
    assert_eq!((&me["user"]["phoneNumber"], &me["user"]["username"]), (&json!("+4915123456789"), &json!("ada.1815")));

    for (field, value, code) in [
        ("firstName", json!(" "), "empty"),
        ("lastName", json!("x".repeat(101)), "too-long"),
        ("username", json!("ada@example.com"), "invalid"),
        ("phoneNumber", json!("015123456789"), "country-code-missing"),
    ] {
        app.patch_json(ME, json!({ field: value })).await.field_problem(field, code);
    }
    app.patch_json(ME, json!({ "email": "new@example.com" })).await.field_problem("email", "unknown-field");
    assert!(app.acts_of(app.admin.organization).await.contains(&"users.updateProfile".to_owned()));
}

#[tokio::test]
async fn a_user_name_belongs_to_one_account_and_signs_in() {
    let app = TestApp::start().await;
    let stranger = app.stranger().await;
    let _ = app.patch_json(ME, json!({ "username": "ada" })).await.expect(StatusCode::OK);
    let document = stranger.client.patch_json(ME, json!({ "username": "ADA" })).await.problem(StatusCode::CONFLICT, "username-taken");
    assert_eq!(document["errors"][0]["field"], "username");

    let login = async |name: &str| app.anybody().post_json("/api/auth/login", json!({ "email": name, "password": PASSWORD })).await;
    let told: Value = login(" Ada ").await.expect(StatusCode::OK).json();
    let me: Value = app.anybody().with_token(told["accessToken"].as_str().unwrap()).get(ME).await.json();
    assert_eq!(me["user"]["email"], app.admin.email.as_str());
    let _ = app.patch_json(ME, json!({ "username": null })).await.expect(StatusCode::OK);
    login("ada").await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
    let _ = stranger.client.patch_json(ME, json!({ "username": "ada" })).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn people_set_their_own_whatsapp_number_and_nobody_elses() {
    let app = TestApp::start().await;
    let (colleague, stranger) = (app.colleague("agent").await, app.stranger().await);
    let number = json!("+12025550123");
    let _ = app.post_json(PHONE, json!({ "whatsappPhone": number, "userId": app.admin.user })).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(app.get(ME).await.json::<Value>()["user"]["whatsappPhone"], number);

    let of = |user| json!({ "whatsappPhone": "+12025550124", "userId": user });
    app.post_json(PHONE, of(colleague.user)).await.problem(StatusCode::FORBIDDEN, "own-record-only");
    app.post_json(PHONE, of(stranger.user)).await.problem(StatusCode::NOT_FOUND, "user-not-found");
    app.post_json(PHONE, of(uuid::Uuid::nil().into())).await.problem(StatusCode::NOT_FOUND, "user-not-found");
    for other in [&colleague, &stranger] {
        assert_eq!(other.client.get(ME).await.json::<Value>()["user"]["whatsappPhone"], Value::Null);
    }

    stranger.client.post_json(PHONE, json!({ "whatsappPhone": number })).await.problem(StatusCode::CONFLICT, "phone-taken");
    app.post_json(PHONE, json!({ "whatsappPhone": "2025550123" })).await.field_problem("whatsappPhone", "country-code-missing");
    app.post_json(PHONE, json!({})).await.field_problem("whatsappPhone", "missing");
    let _ = app.post_json(PHONE, json!({ "whatsappPhone": null })).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(app.get(ME).await.json::<Value>()["user"]["whatsappPhone"], Value::Null);
    let _ = stranger.client.post_json(PHONE, json!({ "whatsappPhone": number })).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_address_is_verified_by_the_link_of_its_mail() {
    let app = TestApp::start().await;
    let verify = async |token: &str| app.anybody().post_json("/api/auth/verify-email", json!({ "token": token })).await;
    let verified = async || app.get(ME).await.json::<Value>()["user"]["emailVerified"].clone();
    let link = async || app.newest_link(app.admin.user, Purpose::EmailVerification).await.expect("a link");
    assert_eq!(verified().await, false);
    let first = link().await;

    // Within a minute nothing is sent again.
    let resend = "/api/auth/resend-verification";
    let _ = app.post(resend).await.expect(StatusCode::ACCEPTED);
    assert_eq!(app.mails_to(&app.admin.email).await.len(), 1);
    app.clock.advance(TimeDelta::minutes(1));
    let _ = app.post(resend).await.expect(StatusCode::ACCEPTED);
    assert_eq!(app.mails_to(&app.admin.email).await, ["emailVerification", "emailVerification"]);
    let second = link().await;
    assert_ne!(first, second);

    verify(&first).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    let _ = verify(&second).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(verified().await, true);
    verify(&second).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    app.clock.advance(TimeDelta::minutes(2));
    let _ = app.post(resend).await.expect(StatusCode::ACCEPTED);
    assert_eq!(app.mails_to(&app.admin.email).await.len(), 2, "a verified address gets no further mail");
}

#[tokio::test]
async fn a_link_of_one_purpose_is_good_for_no_other() {
    let app = TestApp::start().await;
    let token = app.newest_link(app.admin.user, Purpose::EmailVerification).await.expect("a link");
    let body = json!({ "token": token, "newPassword": "another quiet staple" });
    app.anybody().post_json("/api/auth/reset-password", body).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    app.clock.advance(TimeDelta::days(1));
    app.anybody().post_json("/api/auth/verify-email", json!({ "token": token })).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
}
