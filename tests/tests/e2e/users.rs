//! Members: invited, joining, changed, disabled.

use chrono::TimeDelta;
use kernel::UserId;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{Member, PASSWORD, TestApp, registration};
use uuid::Uuid;

const USERS: &str = "/api/users";
const ME: &str = "/api/auth/me";

async fn actions(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("select action from audit_events where organization_id = $1 and action like 'users.%' order by seq")
        .bind(app.admin.organization)
        .fetch_all(&mut app.database.owner().await)
        .await
        .unwrap()
}

fn path(member: &Member, act: &str) -> String {
    format!("{USERS}/{}{act}", member.user)
}

#[tokio::test]
async fn who_is_invited_joins_by_the_link_of_the_mail() {
    let app = TestApp::start().await;
    let body = json!({ "email": "Grace@Example.com", "firstName": "Grace", "lastName": "Hopper", "role": "caller" });
    let invited: Value = app.post_json(USERS, body.clone()).await.expect(StatusCode::CREATED).json();
    assert_eq!(
        (&invited["email"], &invited["state"], &invited["role"]),
        (&json!("grace@example.com"), &json!("invited"), &json!("caller"))
    );
    app.post_json(USERS, body).await.problem(StatusCode::CONFLICT, "email-taken");
    // Nobody signs in before they have joined.
    let login = json!({ "email": "grace@example.com", "password": PASSWORD });
    app.anybody().post_json("/api/auth/login", login.clone()).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");

    let user = invited["id"].as_str().unwrap().parse().unwrap();
    let token = app.invitation(user).await;
    let joining = json!({ "token": token, "password": PASSWORD, "agreeToTerms": true });
    for (field, value, code) in [
        ("agreeToTerms", json!(false), "required"),
        ("confirmPassword", json!("another"), "different"),
        ("password", json!("short"), "too-short"),
    ] {
        let mut body = joining.clone();
        body[field] = value;
        app.anybody().post_json("/api/auth/accept-invitation", body).await.field_problem(field, code);
    }
    let answer = app.anybody().post_json("/api/auth/accept-invitation", joining).await.expect(StatusCode::OK);
    assert!(answer.cookie().starts_with("refreshToken="));
    let client = app.anybody().with_token(answer.json::<Value>()["accessToken"].as_str().unwrap());
    let me: Value = client.get(ME).await.expect(StatusCode::OK).json();
    assert_eq!((&me["role"], &me["user"]["id"]), (&json!("caller"), &invited["id"]));
    assert_eq!(me["permissions"], json!(["channels.read", "contacts.read", "contacts.write", "conversations.read", "conversations.write"]));
    app.anybody().post_json("/api/auth/login", login).await.expect(StatusCode::OK);

    app.anybody().accept_invitation(&token).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    assert_eq!(actions(&app).await, ["users.invite", "users.join"]);
}

#[tokio::test]
async fn an_invitation_that_is_sent_again_makes_the_one_before_worthless() {
    let app = TestApp::start().await;
    let user = app.invite("grace@example.com", "agent").await;
    let first = app.invitation(user).await;
    app.post(&format!("{USERS}/{user}/resend-invitation")).await.expect(StatusCode::OK);
    let second = app.invitation(user).await;
    assert_ne!(first, second);
    app.anybody().accept_invitation(&first).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    app.anybody().accept_invitation(&second).await.expect(StatusCode::OK);
    app.post(&format!("{USERS}/{user}/resend-invitation")).await.problem(StatusCode::CONFLICT, "user-already-joined");
    let queued: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'mail.send' and organization_id = $1")
        .bind(app.admin.organization)
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap();
    assert!(queued >= 2, "{queued} mails are to be sent");
}

#[tokio::test]
async fn every_rule_of_an_invitation_is_told() {
    let app = TestApp::start().await;
    for (field, value, code) in [
        ("email", json!("not an address"), "invalid"),
        ("firstName", json!(" "), "empty"),
        ("lastName", json!("x".repeat(101)), "too-long"),
        ("role", json!("owner"), "unknown"),
        ("role", json!("custom"), "unknown"),
    ] {
        let mut body = json!({ "email": "grace@example.com", "firstName": "Grace", "lastName": "Hopper", "role": "agent" });
        body[field] = value;
        app.post_json(USERS, body).await.field_problem(field, code);
    }
    let accounts: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut app.database.owner().await).await.unwrap();
    assert_eq!(accounts, 1, "a refused invitation left an account behind");
}

#[tokio::test]
async fn who_is_disabled_is_out_at_once_and_who_is_enabled_may_sign_in_again() {
    let app = TestApp::start().await;
    let agent = app.colleague("agent").await;
    agent.client.get(ME).await.expect(StatusCode::OK);
    let disabled: Value = app.post(&path(&agent, "/disable")).await.expect(StatusCode::OK).json();
    assert_eq!(disabled["state"], "disabled");
    agent.client.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie("/api/auth/refresh", &agent.cookie).await.expect(StatusCode::UNAUTHORIZED);
    let login = json!({ "email": agent.email, "password": PASSWORD });
    app.anybody().post_json("/api/auth/login", login.clone()).await.problem(StatusCode::UNAUTHORIZED, "wrong-credentials");
    // A second time changes nothing, and is not recorded as an act.
    app.post(&path(&agent, "/disable")).await.expect(StatusCode::OK);

    app.post(&path(&agent, "/enable")).await.expect(StatusCode::OK);
    agent.client.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_json("/api/auth/login", login).await.expect(StatusCode::OK);
    assert_eq!(actions(&app).await, ["users.invite", "users.join", "users.disable", "users.enable"]);
}

#[tokio::test]
async fn a_changed_role_counts_for_the_access_token_in_hand() {
    let app = TestApp::start().await;
    let member = app.colleague("viewer").await;
    let draft = json!({ "phoneNumber": "+4915123456789", "name": "Ada", "optIn": "unknown" });
    member.client.post_json("/api/contacts", draft.clone()).await.problem(StatusCode::FORBIDDEN, "right-missing");
    let changed: Value = app.patch_json(&path(&member, ""), json!({ "role": "caller" })).await.expect(StatusCode::OK).json();
    assert_eq!(changed["role"], "caller");
    let answer = member.client.post_json("/api/contacts", draft).await;
    assert_ne!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    app.patch_json(&path(&member, ""), json!({})).await.expect(StatusCode::OK);
    assert_eq!(actions(&app).await, ["users.invite", "users.join", "users.setRole"]);
}

#[tokio::test]
async fn who_was_disabled_elsewhere_is_out_within_five_seconds() {
    let app = TestApp::start().await;
    let agent = app.colleague("agent").await;
    agent.client.get(ME).await.expect(StatusCode::OK);
    // As another process would: this one is not told.
    sqlx::query("update memberships set disabled_at = now() where user_id = $1")
        .bind(agent.user)
        .execute(&mut app.database.owner().await)
        .await
        .unwrap();
    app.clock.advance(TimeDelta::seconds(5));
    agent.client.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}

#[tokio::test]
async fn neither_oneself_nor_the_last_admin_can_be_disabled_or_demoted() {
    let app = TestApp::start().await;
    let own = format!("{USERS}/{}", app.admin.user);
    app.post(&format!("{own}/disable")).await.problem(StatusCode::CONFLICT, "user-is-yourself");
    app.patch_json(&own, json!({ "role": "viewer" })).await.problem(StatusCode::CONFLICT, "user-is-yourself");

    let created: Value = app
        .post_json("/api/roles", json!({ "name": "Deputy", "permissions": app.get(ME).await.json::<Value>()["permissions"] }))
        .await
        .expect(StatusCode::CREATED)
        .json();
    let deputy = app.colleague(created["key"].as_str().unwrap()).await;
    deputy.client.post(&format!("{own}/disable")).await.problem(StatusCode::CONFLICT, "user-is-last-admin");
    deputy.client.patch_json(&own, json!({ "role": "viewer" })).await.problem(StatusCode::CONFLICT, "user-is-last-admin");
    // With another admin there is one left.
    app.colleague("admin").await;
    deputy.client.patch_json(&own, json!({ "role": "viewer" })).await.expect(StatusCode::OK);
    app.get(USERS).await.problem(StatusCode::FORBIDDEN, "right-missing");
}

#[tokio::test]
async fn nobody_grants_what_they_do_not_have() {
    let app = TestApp::start().await;
    app.post_json("/api/roles", json!({ "name": "Front desk", "permissions": ["users.manage", "contacts.read"] }))
        .await
        .expect(StatusCode::CREATED);
    let desk = app.colleague("front-desk").await;
    let viewer = app.colleague("viewer").await;
    let invitation = |role: &str| json!({ "email": "joan@example.com", "firstName": "Joan", "role": role });
    for role in ["admin", "viewer", "caller"] {
        desk.client.post_json(USERS, invitation(role)).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    }
    desk.client.post(&path(&viewer, "/disable")).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    desk.client.post(&path(&app.admin, "/revoke-sessions")).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    desk.client.patch_json(&path(&viewer, ""), json!({ "role": "front-desk" })).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    desk.client.patch_json(&path(&desk, ""), json!({ "role": "admin" })).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    desk.client.post_json(USERS, invitation("front-desk")).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn logins_of_a_member_are_ended_without_disabling_them() {
    let app = TestApp::start().await;
    let agent = app.colleague("agent").await;
    let second = app.anybody().login(&agent.email).await;
    second.get(ME).await.expect(StatusCode::OK);
    let told: Value = app.post(&path(&agent, "/revoke-sessions")).await.expect(StatusCode::OK).json();
    assert_eq!(told["revoked"], 2);
    for client in [&agent.client, &second] {
        client.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    }
    app.anybody().login(&agent.email).await.get(ME).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn members_are_listed_by_pages_and_those_of_others_are_not() {
    let app = TestApp::start().await;
    let stranger = app.stranger().await;
    let agent = app.colleague("agent").await;
    app.invite("joan@example.com", "viewer").await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Value = app.get(&format!("{USERS}?limit=1&cursor={cursor}")).await.expect(StatusCode::OK).json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|member| member["email"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, ["joan@example.com", agent.email.as_str(), app.admin.email.as_str()]);
    let shown: Value = app.get(&path(&agent, "")).await.expect(StatusCode::OK).json();
    assert!(shown["lastSeenAt"].is_string() && shown["emailVerified"] == true, "{shown}");
    for act in ["", "/two-step"] {
        app.delete(&path(&stranger, act)).await.problem(StatusCode::NOT_FOUND, "user-not-found");
    }
    for act in ["", "/disable", "/enable", "/resend-invitation", "/revoke-sessions"] {
        let path = path(&stranger, act);
        let answer = if act.is_empty() { app.get(&path).await } else { app.post(&path).await };
        answer.problem(StatusCode::NOT_FOUND, "user-not-found");
    }
}

#[tokio::test]
async fn an_organization_writes_to_so_many_strangers_in_an_hour_whoever_asks() {
    let app = TestApp::start_with(|config| config.limits.invitations_per_hour = 3).await;
    let invite = async |client: &tests::app::Client, name: &str| {
        let body = json!({ "email": format!("{name}@example.com"), "firstName": "Grace", "role": "viewer" });
        client.post_json(USERS, body).await
    };
    let colleague = app.colleague("admin").await;
    let invited: Value = invite(&colleague.client, "ada").await.expect(StatusCode::CREATED).json();
    let again = format!("{USERS}/{}/resend-invitation", invited["id"].as_str().unwrap());
    app.post(&again).await.expect(StatusCode::OK);
    app.post(&again).await.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
    invite(&colleague.client, "alan").await.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
    invite(&app.stranger().await.client, "kay").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn who_is_no_longer_invited_is_gone_and_the_address_is_free_again() {
    let app = TestApp::start().await;
    let email = "grace@example.com";
    let user = app.invite(email, "caller").await;
    let token = app.invitation(user).await;
    let (path_of, mails) = (|user| format!("{USERS}/{user}"), app.mails_to(email).await);
    app.delete(&path_of(user)).await.expect(StatusCode::NO_CONTENT);
    for answer in [app.get(&path_of(user)).await, app.delete(&path_of(user)).await, app.delete(&path_of(UserId::from(Uuid::nil()))).await] {
        answer.problem(StatusCode::NOT_FOUND, "user-not-found");
    }
    app.anybody().accept_invitation(&token).await.problem(StatusCode::BAD_REQUEST, "link-invalid");
    assert_eq!(app.mails_to(email).await, mails, "what was sent is not forgotten");

    // Again, and by somebody who was disabled before they had joined.
    let again = app.invite(email, "viewer").await;
    assert_ne!(again, user);
    app.post(&format!("{}/disable", path_of(again))).await.expect(StatusCode::OK);
    app.delete(&path_of(again)).await.expect(StatusCode::NO_CONTENT);
    let mut body = registration();
    body["email"] = json!(email);
    app.anybody().register_with(body).await.client.get(ME).await.expect(StatusCode::OK);

    let agent = app.colleague("agent").await;
    for joined in [&agent, &app.admin] {
        app.delete(&path(joined, "")).await.problem(StatusCode::CONFLICT, "user-already-joined");
    }
    agent.client.get(ME).await.expect(StatusCode::OK);
    let acts = ["users.invite", "users.withdraw", "users.invite", "users.disable", "users.withdraw", "users.invite", "users.join"];
    assert_eq!(actions(&app).await, acts);
}

#[tokio::test]
async fn nobody_withdraws_an_invitation_to_more_rights_than_they_have() {
    let app = TestApp::start().await;
    app.post_json("/api/roles", json!({ "name": "Front desk", "permissions": ["users.manage", "contacts.read"] }))
        .await
        .expect(StatusCode::CREATED);
    let desk = app.colleague("front-desk").await;
    let [admin, equal] = [app.invite("ada@example.com", "admin").await, app.invite("joan@example.com", "front-desk").await];
    desk.client.delete(&format!("{USERS}/{admin}")).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    desk.client.delete(&format!("{USERS}/{equal}")).await.expect(StatusCode::NO_CONTENT);
    app.anybody().accept_invitation(&app.invitation(admin).await).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_member_who_lost_app_and_codes_signs_in_by_password_after_a_colleague_helped() {
    let app = TestApp::start().await;
    let agent = app.colleague("agent").await;
    let of_agent = path(&agent, "/two-step");
    app.delete(&of_agent).await.problem(StatusCode::CONFLICT, "two-step-off");
    // Begun is not on.
    agent.client.post("/api/auth/two-step").await.expect(StatusCode::OK);
    app.delete(&of_agent).await.problem(StatusCode::CONFLICT, "two-step-off");
    let codes = app.two_step(&agent.client).await.recovery_codes;
    let mails = app.mails_to(&agent.email).await;
    let login = json!({ "email": agent.email, "password": PASSWORD });
    app.anybody().post_json("/api/auth/login", login.clone()).await.problem(StatusCode::UNAUTHORIZED, "two-step-required");

    app.delete(&of_agent).await.expect(StatusCode::NO_CONTENT);
    agent.client.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie("/api/auth/refresh", &agent.cookie).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(app.mails_to(&agent.email).await, [mails, vec!["twoStepChanged".to_owned()]].concat());
    let back = app.anybody().login(&agent.email).await;
    let status: Value = back.get("/api/auth/two-step").await.expect(StatusCode::OK).json();
    assert_eq!(status, json!({ "enabled": false, "confirmedAt": null, "recoveryCodesLeft": 0 }));
    // The old codes do not come back with a new app.
    app.two_step(&back).await;
    let mut login = login;
    login["code"] = json!(codes[0]);
    app.anybody().post_json("/api/auth/login", login).await.problem(StatusCode::UNAUTHORIZED, "two-step-code-wrong");
    assert_eq!(actions(&app).await, ["users.invite", "users.join", "users.takeTwoStep"]);
}

#[tokio::test]
async fn two_step_login_is_taken_only_by_a_proved_colleague_with_enough_rights() {
    let app = TestApp::start().await;
    app.post_json("/api/roles", json!({ "name": "Front desk", "permissions": ["users.manage", "contacts.read"] }))
        .await
        .expect(StatusCode::CREATED);
    let (desk, viewer) = (app.colleague("front-desk").await, app.colleague("viewer").await);
    for client in [&viewer.client, &app.admin.client] {
        app.two_step(client).await;
    }
    desk.client.delete(&path(&viewer, "/two-step")).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    viewer.client.delete(&path(&desk, "/two-step")).await.problem(StatusCode::FORBIDDEN, "right-missing");
    app.delete(&path(&app.admin, "/two-step")).await.problem(StatusCode::CONFLICT, "user-is-yourself");
    let key: Value =
        app.post_json("/api/api-keys", json!({ "name": "Key", "permissions": ["users.manage"] })).await.expect(StatusCode::CREATED).json();
    let program = app.anybody().with_key(key["key"].as_str().unwrap());
    program.delete(&path(&viewer, "/two-step")).await.problem(StatusCode::FORBIDDEN, "person-required");
    app.clock.advance(TimeDelta::minutes(10));
    app.delete(&path(&viewer, "/two-step")).await.problem(StatusCode::FORBIDDEN, "step-up-required");
    let still: Value = viewer.client.get("/api/auth/two-step").await.expect(StatusCode::OK).json();
    assert_eq!(still["enabled"], true);
}
