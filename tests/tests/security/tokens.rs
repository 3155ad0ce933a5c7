//! Chapter V9: self-contained tokens.

use chrono::TimeDelta;
use kernel::Clock;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::TestApp;

use super::forge::{Forged, SECRET};

const ME: &str = "/api/auth/me";

async fn app() -> TestApp {
    TestApp::start_with(|config| config.auth.jwt_secret = SECRET.into()).await
}

async fn refused(app: &TestApp, token: &str, why: &str) {
    let answer = app.anybody().with_token(token).get(ME).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{why}: {}", answer.text());
    assert!(answer.header("www-authenticate").is_some(), "{why}");
}

#[tokio::test]
async fn v9_1_1_a_token_whose_signature_does_not_fit_is_refused() {
    let app = app().await;
    let good = Forged::from(app.admin.client.token());
    let _ = app.anybody().with_token(&good.signed()).get(ME).await.expect(StatusCode::OK);
    let (signed, signature) = app.admin.client.token().rsplit_once('.').expect("a token");
    refused(&app, &good.unsigned(), "an empty signature").await;
    refused(&app, signed, "no third part").await;
    refused(&app, &format!("{signed}.{}", &signature[..signature.len() - 2]), "a signature cut short").await;
    refused(&app, &format!("{signed}.{signature}A"), "a signature with more behind it").await;
    refused(&app, &good.signed_with(b"another secret"), "another secret").await;
    refused(&app, &good.signed_with(b""), "an empty secret").await;
    // Claims of another token with this signature.
    let other = Forged::from(app.stranger().await.client.token());
    let foreign = other.signed();
    let (claims, _) = foreign.rsplit_once('.').expect("a token");
    refused(&app, &format!("{claims}.{signature}"), "the signature of another token").await;
}

#[tokio::test]
async fn v9_1_2_tokens_of_other_algorithms_are_refused() {
    let app = app().await;
    let good = Forged::from(app.admin.client.token());
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", "hs256"] {
        let forged = good.clone().header("alg", json!(algorithm));
        refused(&app, &forged.signed(), algorithm).await;
        refused(&app, &forged.unsigned(), algorithm).await;
    }
    for algorithm in ["HS384", "HS512"] {
        refused(&app, &good.signed_longer(algorithm), &format!("{algorithm} with the right secret")).await;
    }
    refused(&app, &good.header("alg", Value::Null).signed(), "no algorithm").await;
}

#[tokio::test]
async fn v9_1_3_a_token_cannot_choose_or_bring_its_key() {
    let app = app().await;
    let good = Forged::from(app.admin.client.token());
    let kids = ["../../../../dev/null", "' union select 'secret' --", "https://attacker.example/key", "", "1\0", &"a".repeat(10_000)];
    for kid in kids {
        let forged = good.clone().header("kid", json!(kid));
        for key in [&b""[..], b"secret", SECRET.as_bytes()] {
            refused(&app, &forged.signed_with(key), &format!("kid {kid:.40}")).await;
        }
    }
    for (name, value) in [
        ("jku", json!("https://attacker.example/keys.json")),
        ("x5u", json!("https://attacker.example/chain.pem")),
        ("x5c", json!(["MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"])),
        ("jwk", json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" })),
    ] {
        let forged = good.clone().header(name, value);
        refused(&app, &forged.signed_with(b"secret"), name).await;
        refused(&app, &forged.signed(), name).await;
    }
}

#[tokio::test]
async fn v9_2_1_a_token_counts_within_its_time_only() {
    let app = app().await;
    let good = Forged::from(app.admin.client.token());
    let now = app.clock.now().timestamp();
    for (why, forged) in [
        ("ended", good.clone().claim("exp", json!(now - 31))),
        ("without an end", good.clone().claim("exp", Value::Null)),
        ("with an end that is a text", good.clone().claim("exp", json!("never"))),
        ("not yet begun", good.clone().claim("nbf", json!(now + 60))),
        ("without a beginning", good.clone().claim("nbf", Value::Null)),
        ("issued tomorrow", good.clone().claim("iat", json!(now + 86_400))),
        ("without the instant of its issue", good.clone().claim("iat", Value::Null)),
    ] {
        refused(&app, &forged.signed(), why).await;
    }
    // A good one lives for a quarter of an hour and half a minute of difference between clocks.
    app.clock.advance(TimeDelta::minutes(15) + TimeDelta::seconds(31));
    app.get(ME).await.problem(StatusCode::UNAUTHORIZED, "access-token-expired");
}

#[tokio::test]
async fn v9_2_2_a_token_for_one_purpose_serves_no_other() {
    let app = app().await;
    let good = Forged::from(app.admin.client.token());
    for other in [json!("refresh"), json!("reset"), json!(""), Value::Null] {
        refused(&app, &good.clone().claim("typ", other.clone()).signed(), &format!("typ {other}")).await;
    }
    for needed in ["sub", "org", "session", "jti"] {
        refused(&app, &good.clone().claim(needed, Value::Null).signed(), &format!("without {needed}")).await;
    }
    // The refresh token is no access token, and the other way round.
    let refresh = app.admin.cookie.split_once('=').expect("a cookie").1;
    refused(&app, refresh, "a refresh token").await;
    let cookie = format!("refreshToken={}", app.admin.client.token());
    app.anybody().post_cookie("/api/auth/refresh", &cookie).await.problem(StatusCode::UNAUTHORIZED, "refresh-token-missing");
    // Nor is the token taken from anywhere but its header.
    let _ = app.anybody().get(&format!("{ME}?access_token={}", app.admin.client.token())).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn v9_2_3_a_token_for_another_audience_is_refused() {
    let app = app().await;
    let good = Forged::from(app.admin.client.token());
    for audience in [json!("another-api"), json!([]), Value::Null] {
        refused(&app, &good.clone().claim("aud", audience.clone()).signed(), &format!("aud {audience}")).await;
    }
}

#[tokio::test]
async fn v9_2_4_a_token_of_another_issuer_is_refused() {
    let app = app().await;
    let good = Forged::from(app.admin.client.token());
    for issuer in [json!("https://attacker.example"), json!(""), Value::Null] {
        refused(&app, &good.clone().claim("iss", issuer.clone()).signed(), &format!("iss {issuer}")).await;
    }
    // Rightly signed claims about a login that belongs to somebody else, or to nobody.
    let stranger = app.stranger().await;
    let theirs = Forged::from(stranger.client.token());
    refused(&app, &good.clone().claim("session", json!(uuid::Uuid::now_v7())).signed(), "a login of nobody").await;
    for (claim, value) in [("org", theirs.claims["org"].clone()), ("sub", theirs.claims["sub"].clone())] {
        let answer = app.anybody().with_token(&good.clone().claim(claim, value).signed()).get(ME).await;
        // What counts is the login: such a token shows nothing of the other organization, whether it is taken or not.
        assert!(!answer.text().contains(&stranger.email), "{claim}: {}", answer.text());
        assert!(!answer.text().contains(&stranger.organization.to_string()), "{claim}: {}", answer.text());
    }
}

#[tokio::test]
async fn v9_2_4_the_token_of_a_deactivated_organization_ends() {
    let app = app().await;
    let _ = app.get(ME).await.expect(StatusCode::OK);
    sqlx::query("update organizations set deactivated_at = now() where id = $1")
        .bind(app.admin.organization.uuid())
        .execute(&mut app.database.owner().await)
        .await
        .unwrap();
    app.clock.advance(TimeDelta::seconds(5));
    app.get(ME).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie("/api/auth/refresh", &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
}
