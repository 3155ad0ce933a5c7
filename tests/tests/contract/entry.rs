//! Who is let in at all: no token, a wrong one, one that has ended; and methods that no route has.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::StreamExt;
use reqwest::{Method, StatusCode};
use tests::app::{Answer, TestApp};

use super::{
    document::{Operation, operations},
    people::{Ground, deactivate, new_key},
    request::Draft,
};

/// Who asks, with which header, and what they are told.
type Case<'a> = (&'a str, Option<(&'static str, String)>, &'a str);

/// Fails the test unless nobody was let in, and the answer says how one is.
fn not_let_in(who: &str, operation: &Operation, answer: &Answer, slug: &str) {
    let what = format!("{} as {who}: {}", operation.name(), answer.text());
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
    assert!(answer.header("www-authenticate").is_some_and(|how| how.starts_with("Bearer")), "{what}");
    assert_eq!(answer.json::<serde_json::Value>()["type"], format!("/problems/{slug}"), "{what}");
}

fn closed() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(|operation| !operation.is_open())
}

#[tokio::test]
async fn nobody_is_let_in_without_a_good_token() {
    let ground = Ground::prepare().await;
    let other = TestApp::start_with(|config| config.auth.jwt_secret = "another secret of more than 32 characters".into()).await;
    let own = ground.app.admin.client.token();
    let (signed, signature) = own.rsplit_once('.').expect("a token");
    let reversed: String = signature.chars().rev().collect();
    let cases = [
        ("nobody", None, "sign-in-required"),
        ("somebody with nonsense", Some(("authorization", "Bearer nonsense".to_owned())), "access-token-invalid"),
        ("somebody with another signature", Some(("authorization", format!("Bearer {signed}.{reversed}"))), "access-token-invalid"),
        (
            "a member of another installation",
            Some(("authorization", format!("Bearer {}", other.admin.client.token()))),
            "access-token-invalid",
        ),
        ("somebody with a password", Some(("authorization", "Basic YWRhOnNlY3JldA==".to_owned())), "sign-in-required"),
        ("somebody with the token in another header", Some(("x-access-token", own.to_owned())), "sign-in-required"),
        ("somebody with a refresh cookie", Some(("cookie", ground.app.admin.cookie.clone())), "sign-in-required"),
        ("somebody with a made-up key", Some(("x-api-key", format!("hg_{}", "A".repeat(43)))), "api-key-invalid"),
    ];
    walk(&ground, &cases).await;
    ground.app.clock.advance(TimeDelta::minutes(15) + TimeDelta::seconds(31));
    let expired = [("an expired token", Some(("authorization", format!("Bearer {own}"))), "access-token-expired")];
    walk(&ground, &expired).await;
}

#[tokio::test]
async fn who_was_sent_away_stays_outside() {
    let ground = Ground::prepare().await;
    let app = &ground.app;
    let mut owner = app.database.owner().await;
    let bearer = |client: &tests::app::Client| Some(("authorization", format!("Bearer {}", client.token())));

    let disabled = app.colleague("admin").await;
    let _ = app.post(&format!("/api/users/{}/disable", disabled.user)).await.expect(StatusCode::OK);
    let revoked = app.colleague("admin").await;
    sqlx::query("update sessions set revoked_at = now() where user_id = $1").bind(revoked.user.uuid()).execute(&mut owner).await.unwrap();
    let removed = app.colleague("admin").await;
    sqlx::query("delete from memberships where user_id = $1").bind(removed.user.uuid()).execute(&mut owner).await.unwrap();

    let (id, revoked_key) = new_key(&app.admin.client, &["contacts.read"]).await;
    let _ = app.delete(&format!("/api/api-keys/{id}")).await.expect(StatusCode::NO_CONTENT);
    let closed_down = app.stranger().await;
    let (_, key_of_closed) = new_key(&closed_down.client, &["contacts.read"]).await;
    deactivate(closed_down.organization, &mut owner).await;
    // How long a process may remember that they were welcome.
    app.clock.advance(crm::identity::STANDING_TTL);
    let cases = [
        ("a disabled member", bearer(&disabled.client), "session-ended"),
        ("a member whose login was ended", bearer(&revoked.client), "session-ended"),
        ("somebody who left", bearer(&removed.client), "session-ended"),
        ("a member of a deactivated organization", bearer(&closed_down.client), "session-ended"),
        ("a revoked key", Some(("x-api-key", revoked_key)), "api-key-invalid"),
        ("a key of a deactivated organization", Some(("x-api-key", key_of_closed)), "api-key-invalid"),
    ];
    walk(&ground, &cases).await;
}

async fn walk(ground: &Ground, cases: &[Case<'_>]) {
    let mut calls = 0;
    for (who, header, slug) in cases {
        calls += closed().count();
        futures::stream::iter(closed())
            .for_each_concurrent(8, |operation| async move {
                let draft = Draft::new(&operation, &ground.foreign);
                let complete = |request: reqwest::RequestBuilder| match header {
                    Some((name, value)) => request.header(*name, value),
                    None => request,
                };
                let answer = draft.send(ground.app.anybody(), &operation, complete).await;
                not_let_in(who, &operation, &answer, slug);
                ground.untouched(who, &answer, &[]).await;
            })
            .await;
    }
    println!("{calls} calls by those who are not let in");
}

#[test]
fn put_answers_wherever_patch_does() {
    let names: Vec<_> = operations().iter().map(Operation::name).collect();
    let missing: Vec<_> =
        names.iter().filter_map(|name| Some(format!("PUT {}", name.strip_prefix("PATCH ")?))).filter(|put| !names.contains(put)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn a_method_that_no_route_has_is_told_as_such() {
    let app = TestApp::start().await;
    let mut methods: BTreeMap<String, Vec<Method>> = BTreeMap::new();
    for operation in operations() {
        methods.entry(operation.path.clone()).or_default().push(operation.method.clone());
    }
    let others: Vec<Method> =
        ["GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "PROPFIND"].iter().map(|word| word.parse().unwrap()).collect();
    for (path, declared) in methods {
        // What stands in the braces does not matter: the method is refused before it is read.
        let asked = path.replace(['{', '}'], "");
        for method in others.iter().filter(|method| !declared.contains(method)) {
            for client in [&app.admin.client, app.anybody()] {
                let answer = client.send(client.request(method.clone(), &asked)).await;
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}: {}", answer.text());
                assert!(answer.header("allow").is_some(), "{method} {path}");
            }
        }
    }
}
