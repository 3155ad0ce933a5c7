//! Chapters V6.2 and V11.4: which passwords are taken, and how they are kept.

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{PASSWORD, TestApp, registration};

async fn register(app: &TestApp, password: &str) -> tests::app::Answer {
    let mut body = registration();
    body["password"] = json!(password);
    body["confirmPassword"] = json!(password);
    app.anybody().post_json("/api/auth/register", body).await
}

#[tokio::test]
async fn v6_2_1_a_password_has_at_least_ten_characters() {
    let app = TestApp::start().await;
    register(&app, "kQ7-vx!2z").await.field_problem("password", "too-short");
    let _ = register(&app, "kQ7-vx!2zB").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn v6_2_4_common_passwords_are_refused() {
    let app = TestApp::start().await;
    for common in ["1234567890", "qwertyuiop", "password123", "Password1234", "iloveyou123", "aaaaaaaaaa", "letmein12345"] {
        register(&app, common).await.field_problem("password", "too-common");
    }
}

#[tokio::test]
async fn v6_2_5_nobody_is_told_what_a_password_is_made_of() {
    let app = TestApp::start().await;
    for password in ["lower case only words", "UPPER CASE ONLY WORDS", "98 1250 77 3161 05", "вот такой вот пароль", "🦊🐼🦉🐢🦔🐝🦀🐙🦎🐳"]
    {
        let answer = register(&app, password).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{password}: {}", answer.text());
    }
}

#[tokio::test]
async fn v6_2_8_a_password_is_verified_exactly_as_it_was_given() {
    let app = TestApp::start().await;
    let password = "  Caf\u{e9} au  lait noir ";
    let answer = register(&app, password).await.expect(StatusCode::CREATED);
    let email = answer.json::<Value>()["user"]["email"].as_str().unwrap().to_owned();
    let login =
        async |password: &str| app.anybody().post_json("/api/auth/login", json!({ "email": email, "password": password })).await.status;
    for other in ["Caf\u{e9} au  lait noir", "  caf\u{e9} au  lait noir ", "  Cafe\u{301} au  lait noir ", "  Caf\u{e9} au lait noir "] {
        assert_eq!(login(other).await, StatusCode::UNAUTHORIZED, "{other:?}");
    }
    assert_eq!(login(password).await, StatusCode::OK);
}

#[tokio::test]
async fn v6_2_9_long_passwords_are_taken_and_longer_ones_refused_before_any_work() {
    let app = TestApp::start().await;
    let long = "a quite long passphrase that goes on and on and never ends, or so ".repeat(3);
    let _ = register(&app, &long[..128]).await.expect(StatusCode::CREATED);
    register(&app, &long[..129]).await.field_problem("password", "too-long");
    let begun = std::time::Instant::now();
    register(&app, &"x".repeat(500_000)).await.field_problem("password", "too-long");
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn v6_2_11_what_everybody_knows_of_somebody_is_no_password() {
    let app = TestApp::start().await;
    for own in ["Lovelace1815", "AnalyticaL99", "Heliograph-1"] {
        register(&app, own).await.field_problem("password", "own-words");
    }
}

#[tokio::test]
async fn v6_2_3_changing_the_password_takes_the_present_one() {
    let app = TestApp::start().await;
    let change = async |current: &str| {
        let body = json!({ "currentPassword": current, "newPassword": "a horse of quite another colour" });
        app.post_json("/api/auth/change-password", body).await
    };
    let refused = change("not the password").await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    let _ = app.anybody().login(&app.admin.email).await;
    let changed = change(PASSWORD).await;
    assert!(changed.status.is_success(), "{}", changed.text());
}

#[tokio::test]
async fn v11_4_2_passwords_are_kept_as_argon2id_hashes() {
    let app = TestApp::start().await;
    let rows: Vec<String> = sqlx::query_scalar("select password_hash from users where password_hash is not null")
        .fetch_all(&mut app.database.owner().await)
        .await
        .unwrap();
    assert!(!rows.is_empty());
    for hash in rows {
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{hash}");
    }
}

#[tokio::test]
async fn v11_4_2_a_hash_of_other_parameters_is_renewed_at_the_next_login() {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
    let app = TestApp::start().await;
    let mut owner = app.database.owner().await;
    let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, None).unwrap());
    let old = old.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    sqlx::query("update users set password_hash = $1").bind(&old).execute(&mut owner).await.unwrap();
    let _ = app.anybody().login(&app.admin.email).await;
    let now: String = sqlx::query_scalar("select password_hash from users").fetch_one(&mut owner).await.unwrap();
    assert!(now.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{now}");
    let _ = app.anybody().login(&app.admin.email).await;
}

/// Hashing takes 47 MB and a processor each: more than a queue of requests is told to come back.
#[tokio::test]
async fn v15_2_2_more_logins_than_can_wait_are_told_to_come_back() {
    let app = TestApp::start_with(|config| config.limits.logins_per_minute = 100_000).await;
    let logins = (0..150).map(|number| {
        let body = json!({ "email": format!("nobody-{number}@example.com"), "password": "wrong password" });
        let app = &app;
        async move { app.anybody().post_json("/api/auth/login", body).await }
    });
    let answers = join_all(logins).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE).collect();
    assert!(!busy.is_empty(), "150 at once were all let in");
    assert!(busy.iter().all(|answer| answer.header("retry-after").is_some()));
    assert!(answers.iter().all(|answer| [StatusCode::SERVICE_UNAVAILABLE, StatusCode::UNAUTHORIZED].contains(&answer.status)));
    let _ = app.anybody().login(&app.admin.email).await;
}
