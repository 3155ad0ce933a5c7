//! Organizations that share few connections: nothing of one's transaction is left for the next one's.

use std::collections::HashSet;

use futures::StreamExt;
use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tests::{
    app::{Member, TestApp},
    processes::Pgbouncer,
};

/// Requests of each round; half of them read, half write.
const REQUESTS: usize = 200;
/// Requests at once: as many as there are.
const AT_ONCE: usize = 200;

#[tokio::test]
async fn v8_4_1_two_organizations_on_two_connections_see_only_their_own() {
    let app = TestApp::start_with(|config| config.database.max_connections = 2).await;
    two_hundred_requests_of_two_organizations(&app).await;
}

#[tokio::test]
async fn v8_4_1_two_organizations_behind_a_transaction_pooler_see_only_their_own() {
    let mut pooler = None;
    let app = TestApp::start_on(async |config| {
        let direct = config.database.url.clone();
        let started = Pgbouncer::start(direct.expose_secret(), 2).await.expect("pgbouncer starts");
        config.database.url = started.url();
        config.database.direct_url = Some(direct);
        // pgbouncer tracks statements from 1.21 on; without a cache it does not matter which one this is.
        config.database.statement_cache = 0;
        config.database.max_connections = 20;
        pooler = Some(started);
    })
    .await;
    two_hundred_requests_of_two_organizations(&app).await;
    // Health and readiness use the pool too.
    let health = app.get("/api/health").await.expect(StatusCode::OK).json::<Value>();
    assert_eq!((&health["database"], &health["migrations"]), (&json!("up"), &json!("current")), "{health}");
    drop(pooler);
}

async fn two_hundred_requests_of_two_organizations(app: &TestApp) {
    let other = app.stranger().await;
    let sides = [("canary-of-one", &app.admin), ("canary-of-other", &other)];
    for (canary, member) in sides {
        for number in 0..3 {
            create(member, &format!("{canary}-{number}")).await;
        }
    }
    futures::stream::iter(0..REQUESTS)
        .for_each_concurrent(AT_ONCE, |number| async move {
            let ((canary, member), (others, _)) = if number % 2 == 0 { (sides[0], sides[1]) } else { (sides[1], sides[0]) };
            if number % 4 < 2 {
                create(member, &format!("{canary}-{number}-new")).await;
            }
            let path = if number % 3 == 0 { "/api/contacts?limit=200" } else { "/api/organizations/current" };
            let answer = patiently(member, path).await;
            assert!(!answer.contains(others), "{path} of {canary} shows {others}: {answer}");
        })
        .await;
    for (canary, member) in sides {
        let page: Value = serde_json::from_str(&patiently(member, "/api/contacts?limit=200").await).expect("JSON");
        let names: HashSet<_> = page["data"].as_array().expect("a list").iter().map(|contact| contact["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), 3 + REQUESTS / 4, "each was stored once");
        assert!(names.iter().all(|name| name.starts_with(canary)), "{names:?}");
    }
}

/// Asks until a connection was free in time: with two of them, that is not an answer that proves anything.
async fn patiently(member: &Member, path: &str) -> String {
    loop {
        let answer = member.client.get(path).await;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            return answer.expect(StatusCode::OK).text();
        }
    }
}

async fn create(member: &Member, name: &str) {
    loop {
        let answer = member.client.post_json("/api/contacts", json!({ "name": name })).await;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            let _ = answer.expect(StatusCode::CREATED);
            return;
        }
    }
}
