//! Chapter V6.4: links that are mailed instead of a password.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{
    app::{Answer, PASSWORD},
    world::World,
};

use super::mailbox::{links, token};

const NEW: &str = "a horse of quite another colour";

async fn world() -> World {
    World::start_with(|config| config.api.public_url = "https://crm.example.com".into()).await
}

async fn forgot(world: &World, email: &str) {
    let _ = world.app.anybody().post_json("/api/auth/forgot-password", json!({ "email": email })).await.expect(StatusCode::ACCEPTED);
}

async fn reset(world: &World, token: &str, password: &str) -> Answer {
    world.app.anybody().post_json("/api/auth/reset-password", json!({ "token": token, "newPassword": password })).await
}

#[tokio::test]
async fn v6_4_3_a_reset_link_is_good_once_and_ends_every_login() {
    let world = world().await;
    let app = &world.app;
    let email = app.admin.email.clone();
    forgot(&world, &email.to_uppercase()).await;
    let link = links(&world, &email, "reset-password", 1).await.remove(0);
    let token = token(&link);

    // 256 bits, kept as a hash.
    assert_eq!(URL_SAFE_NO_PAD.decode(&token).expect("base64").len(), 32);
    let mut owner = app.database.owner().await;
    let hashes: Vec<Vec<u8>> =
        sqlx::query_scalar("select token_hash from one_time_tokens where purpose = 'passwordReset'").fetch_all(&mut owner).await.unwrap();
    let raw = URL_SAFE_NO_PAD.decode(&token).expect("base64");
    assert!(hashes.iter().any(|hash| *hash == Sha256::digest(&raw).to_vec() || *hash == Sha256::digest(&token).to_vec()));
    let dump: Vec<String> =
        sqlx::query_scalar("select mails::text from mails union all select jobs::text from jobs").fetch_all(&mut owner).await.unwrap();
    assert!(dump.iter().all(|row| !row.contains(&token)), "the token stands nowhere in the database");

    // A password that breaks a rule does not use it up.
    assert_eq!(reset(&world, &token, "short").await.status, StatusCode::BAD_REQUEST);
    let done = reset(&world, &token, NEW).await.expect(StatusCode::NO_CONTENT);
    assert!(done.header("set-cookie").is_none() && done.body.is_empty(), "nobody is signed in by it");
    assert_eq!(done.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reset(&world, &token, "a third horse of yet another colour").await.status, StatusCode::BAD_REQUEST);

    app.clock.advance(TimeDelta::seconds(5));
    app.get("/api/auth/me").await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie("/api/auth/refresh", &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    let login =
        async |password: &str| app.anybody().post_json("/api/auth/login", json!({ "email": email, "password": password })).await.status;
    assert_eq!((login(PASSWORD).await, login(NEW).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
}

#[tokio::test]
async fn v6_4_3_a_reset_link_lives_for_half_an_hour() {
    let world = world().await;
    let email = world.app.admin.email.clone();
    forgot(&world, &email).await;
    let link = links(&world, &email, "reset-password", 1).await.remove(0);
    world.app.clock.advance(TimeDelta::minutes(30) + TimeDelta::seconds(1));
    assert_eq!(reset(&world, &token(&link), NEW).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn v6_4_3_a_newer_reset_link_voids_the_older_one() {
    let world = world().await;
    let email = world.app.admin.email.clone();
    forgot(&world, &email).await;
    let older = links(&world, &email, "reset-password", 1).await.remove(0);
    forgot(&world, &email).await;
    let both = links(&world, &email, "reset-password", 2).await;
    let newer = both.iter().find(|link| **link != older).expect("another link");
    assert_eq!(reset(&world, &token(&older), NEW).await.status, StatusCode::BAD_REQUEST);
    let _ = reset(&world, &token(newer), NEW).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn v6_4_3_two_uses_of_a_link_at_once_change_the_password_once() {
    let world = world().await;
    let email = world.app.admin.email.clone();
    forgot(&world, &email).await;
    let token = token(&links(&world, &email, "reset-password", 1).await.remove(0));
    let uses = (0..6).map(|number| {
        let (world, token) = (&world, &token);
        async move { reset(world, token, &format!("a horse of colour number {number}")).await.status }
    });
    let statuses = futures::future::join_all(uses).await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::NO_CONTENT).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn v6_4_1_the_link_names_the_host_of_the_settings_whatever_the_request_says() {
    let world = world().await;
    let email = world.app.admin.email.clone();
    let request = world
        .app
        .anybody()
        .request(Method::POST, "/api/auth/forgot-password")
        .header("host", "attacker.example")
        .header("x-forwarded-host", "attacker.example")
        .header("forwarded", "host=attacker.example")
        .json(&json!({ "email": email }));
    let _ = world.app.anybody().send(request).await.expect(StatusCode::ACCEPTED);
    let link = links(&world, &email, "reset-password", 1).await.remove(0);
    assert!(link.starts_with("https://crm.example.com/reset-password?token="), "{link}");
}

#[tokio::test]
async fn v6_4_1_a_link_of_one_kind_serves_no_other() {
    let world = world().await;
    let email = world.app.admin.email.clone();
    let verification = links(&world, &email, "verify-email", 1).await.remove(0);
    assert_eq!(reset(&world, &token(&verification), NEW).await.status, StatusCode::BAD_REQUEST);
    forgot(&world, &email).await;
    let link = links(&world, &email, "reset-password", 1).await.remove(0);
    let verify = async |token: String| world.app.anybody().post_json("/api/auth/verify-email", json!({ "token": token })).await.status;
    assert_eq!(verify(token(&link)).await, StatusCode::BAD_REQUEST);
    assert_eq!(verify(token(&verification)).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn v6_4_1_an_invitation_is_good_once_and_its_link_is_the_only_way_in() {
    let world = world().await;
    let app = &world.app;
    let body = json!({ "email": "grace@example.com", "firstName": "Grace", "lastName": "Hopper", "role": "agent" });
    let invited: Value = app.post_json("/api/users", body).await.expect(StatusCode::CREATED).json();
    assert!(!invited.to_string().contains("token"), "{invited}");
    let login = async |password: &str| {
        app.anybody().post_json("/api/auth/login", json!({ "email": "grace@example.com", "password": password })).await.status
    };
    for password in ["", "null", NEW] {
        assert_eq!(login(password).await, StatusCode::UNAUTHORIZED, "{password}");
    }
    let token = token(&links(&world, "grace@example.com", "accept-invitation", 1).await.remove(0));
    let accept = async || {
        let body = json!({ "token": token, "password": NEW, "agreeToTerms": true });
        app.anybody().post_json("/api/auth/accept-invitation", body).await
    };
    let accepted = accept().await;
    assert!(accepted.status.is_success(), "{}", accepted.text());
    assert_eq!(login(NEW).await, StatusCode::OK);
    assert_eq!(accept().await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn v6_3_7_a_changed_password_is_told_by_mail() {
    let world = world().await;
    let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    let _ = world.app.post_json("/api/auth/change-password", body).await.expect(StatusCode::NO_CONTENT);
    let told: i64 = sqlx::query_scalar("select count(*) from mails where kind = 'passwordChanged' and to_address = $1")
        .bind(&world.app.admin.email)
        .fetch_one(&mut world.app.database.owner().await)
        .await
        .unwrap();
    assert_eq!(told, 1);
}
