//! Whether the time of an answer tells which addresses have an account (V6.3.8). Nothing else runs beside these tests.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::TestApp;

use super::median::{Sample, TRIES, assert_alike};

/// Members of the admin's organization who share the admin's password, with addresses that begin with `known`.
async fn known_addresses(app: &TestApp, prefix: &str) -> Vec<String> {
    let addresses: Vec<String> = (0..TRIES).map(|number| format!("{prefix}-{number}@example.com")).collect();
    sqlx::query(
        "with people as (
             insert into users (id, email, first_name, last_name, password_hash, terms_accepted_at, created_at, updated_at)
             select gen_random_uuid(), address, first_name, last_name, password_hash, now(), now(), now()
             from users, unnest($2::text[]) as address where users.id = $1
             returning id)
         insert into memberships (organization_id, user_id, role, joined_at, created_at, updated_at)
         select $3, id, 'viewer', now(), now(), now() from people",
    )
    .bind(app.admin.user.uuid())
    .bind(&addresses)
    .bind(app.admin.organization.uuid())
    .execute(&mut app.database.owner().await)
    .await
    .expect("people");
    addresses
}

async fn timed(app: &TestApp, path: &str, body: Value, expected: StatusCode) -> Duration {
    let begun = Instant::now();
    let answer = app.anybody().post_json(path, body).await;
    let took = begun.elapsed();
    let _ = answer.expect(expected);
    took
}

async fn app() -> TestApp {
    let app = TestApp::start_with(|config| {
        config.limits.logins_per_minute = 100_000;
        config.limits.password_resets_per_hour = 100_000;
        config.limits.writes_per_minute = 1_000_000;
    })
    .await;
    // Connections are made and code is warm before anything is measured.
    for number in 0..10 {
        let email = format!("warm-{number}@example.com");
        timed(&app, "/api/auth/login", json!({ "email": email, "password": "not the password" }), StatusCode::UNAUTHORIZED).await;
        timed(&app, "/api/auth/forgot-password", json!({ "email": email }), StatusCode::ACCEPTED).await;
    }
    app
}

#[tokio::test]
async fn v6_3_8_the_time_of_a_refused_login_does_not_tell_whether_there_is_an_account() {
    let app = app().await;
    let mut samples = 0;
    assert_alike("login of known and unknown addresses", async || {
        samples += 1;
        let known = known_addresses(&app, &format!("known-{samples}")).await;
        let login = async |email: String| {
            timed(&app, "/api/auth/login", json!({ "email": email, "password": "not the password" }), StatusCode::UNAUTHORIZED).await
        };
        let unknown = |round: usize| format!("nobody-{samples}-{round}@example.com");
        Sample::take(async |round| login(known[round].clone()).await, async |round| login(unknown(round)).await).await
    })
    .await;
}

#[tokio::test]
async fn v6_3_8_the_time_of_a_forgotten_password_does_not_tell_whether_there_is_an_account() {
    let app = app().await;
    let mut samples = 0;
    assert_alike("forgotten password of known and unknown addresses", async || {
        samples += 1;
        let known = known_addresses(&app, &format!("known-{samples}")).await;
        let forgot = async |email: String| timed(&app, "/api/auth/forgot-password", json!({ "email": email }), StatusCode::ACCEPTED).await;
        let unknown = |round: usize| format!("nobody-{samples}-{round}@example.com");
        Sample::take(async |round| forgot(known[round].clone()).await, async |round| forgot(unknown(round)).await).await
    })
    .await;
}
