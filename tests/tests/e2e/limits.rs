//! How often somebody may ask, counted by all processes together and by each alone while Redis is away.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use runtime::Config;
use serde_json::json;
use tests::{
    app::{Answer, Client, TestApp},
    processes::Redis,
};

/// What becomes of a connection to Redis is seen within this time.
const PATIENCE: Duration = Duration::from_secs(20);

async fn redis(folder: &Path) -> Redis {
    Redis::start_anywhere(folder).await.expect("a Redis of its own")
}

async fn app_on(redis: &Redis, change: impl FnOnce(&mut Config)) -> TestApp {
    let url = redis.url();
    TestApp::start_with(|config| {
        config.redis.url = Some(url.into());
        change(config);
    })
    .await
}

/// Waits until the processes count together, or no longer do.
async fn until_shared(app: &TestApp, shared: bool) {
    let deadline = Instant::now() + PATIENCE;
    while app.state.limits.are_shared() != shared {
        assert!(Instant::now() < deadline, "the limits never became {}", if shared { "shared" } else { "local" });
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A request that is counted as a write.
async fn write(client: &Client) -> Answer {
    client.post_json("/api/contacts", json!({})).await
}

/// How many of `write` in turn come through until one is refused; at most `most`.
async fn writes(clients: &[&Client], most: usize) -> usize {
    for done in 0..most {
        let answer = write(clients[done % clients.len()]).await;
        assert!(!answer.status.is_server_error(), "{}", answer.text());
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return done;
        }
    }
    most
}

#[tokio::test]
async fn every_counted_answer_says_how_much_is_left() {
    let app = TestApp::start_with(|config| config.limits.writes_per_minute = 60).await;
    for answer in
        [app.get("/api/organizations/current").await, app.anybody().get("/api/nothing").await, app.anybody().get("/api/contacts").await]
    {
        assert_eq!(answer.header("ratelimit-policy"), Some("\"reads\";q=10000;w=1"), "{}", answer.asked);
        assert!(answer.header("ratelimit").unwrap().starts_with("\"reads\";r="), "{}", answer.asked);
    }
    // The member has written nothing so far: the registration was the address's.
    assert_eq!(write(&app.admin.client).await.header("ratelimit"), Some("\"writes\";r=59;t=1"));
    assert_eq!(app.get("/livez").await.header("ratelimit"), None);
    let login = app.anybody().post_json("/api/auth/login", json!({ "email": "nobody@example.com", "password": "x" })).await;
    let policy = login.header("ratelimit-policy").unwrap();
    assert!(policy.contains("\"writes\";q=60;w=60") && policy.contains("\"logins\";q=1000;w=60"), "{policy}");
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let app = TestApp::start_with(|config| config.limits.writes_per_minute = 2).await;
    assert_eq!(writes(&[&app.admin.client], 10).await, 2);
    let answer = write(&app.admin.client).await;
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert!(answer.header("ratelimit").unwrap().starts_with("\"writes\";r=0;t="));
    answer.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
    // Reading goes on, and so do others.
    let _ = app.get("/api/organizations/current").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_invented_token_or_key_leads_to_no_quota_of_its_own() {
    let app = TestApp::start_with(|config| config.limits.writes_per_minute = 12).await;
    let signed = app.admin.client.token();
    let foreign = format!("{}x", &signed[..signed.len() - 1]);
    for round in 0..12 {
        let request = app.anybody().request(Method::POST, "/api/contacts");
        let request = match round % 3 {
            0 => request.bearer_auth(format!("{round}.{round}.{round}")),
            1 => request.header("x-api-key", format!("hg_abcdefg{}_{}", round % 8 + 2, "A".repeat(43))),
            _ => request.bearer_auth(&foreign),
        };
        let answer = app.anybody().send(request.json(&json!({}))).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            // The registration of the test was counted too.
            assert!(round >= 10, "{round}");
            // The address is exhausted, the member is not.
            let _ = write(&app.admin.client).await.expect(StatusCode::CREATED);
            return;
        }
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text());
    }
    panic!("each invented credential was counted by itself");
}

#[tokio::test]
async fn logins_of_one_person_share_a_quota_and_two_persons_do_not() {
    let app = TestApp::start_with(|config| config.limits.writes_per_minute = 8).await;
    let again = app.anybody().login(&app.admin.email).await;
    let stranger = app.stranger().await;
    assert_eq!(writes(&[&app.admin.client, &again], 20).await, 8);
    assert_eq!(write(&again).await.status, StatusCode::TOO_MANY_REQUESTS);
    let _ = write(&stranger.client).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn two_processes_count_together() {
    let folder = tempfile::tempdir().unwrap();
    let redis = redis(folder.path()).await;
    let limit = |config: &mut Config| config.limits.writes_per_minute = 20;
    let (one, other) = (app_on(&redis, limit).await, app_on(&redis, limit).await);
    until_shared(&one, true).await;
    until_shared(&other, true).await;
    // Each has registered somebody, before or after it was connected; in a slow run some quota comes back.
    let done = writes(&[one.anybody(), other.anybody()], 60).await;
    assert!((16..=26).contains(&done), "{done} of 20");
    write(other.anybody()).await.problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
    let _ = write(&one.admin.client).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn requests_and_limits_survive_the_end_of_redis() {
    let folder = tempfile::tempdir().unwrap();
    let mut redis = redis(folder.path()).await;
    let limit = |config: &mut Config| config.limits.writes_per_minute = 20;
    let (one, other) = (app_on(&redis, limit).await, app_on(&redis, limit).await);
    until_shared(&one, true).await;
    until_shared(&other, true).await;
    let before = writes(&[one.anybody(), other.anybody()], 6).await;
    assert_eq!(before, 6);
    redis.kill().await.unwrap();
    // Each process begins with a quota of its own, and holds it.
    for app in [&one, &other] {
        let done = writes(&[app.anybody()], 60).await;
        assert!((16..=26).contains(&done), "{done} of 20");
        until_shared(app, false).await;
    }
    redis.start_again().await.unwrap();
    until_shared(&one, true).await;
    until_shared(&other, true).await;
    let done = writes(&[one.anybody(), other.anybody()], 60).await;
    assert!((20..=26).contains(&done), "{done} of 20 after Redis came back, empty");
}

#[tokio::test]
async fn a_frozen_redis_holds_up_one_request_by_less_than_a_tenth_of_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let redis = redis(folder.path()).await;
    let app = app_on(&redis, |_| {}).await;
    until_shared(&app, true).await;
    let timed = async || {
        let begun = Instant::now();
        let _ = app.anybody().get("/api/nothing").await.expect(StatusCode::NOT_FOUND);
        begun.elapsed()
    };
    let median = async || {
        let mut times = Vec::new();
        for _ in 0..21 {
            times.push(timed().await);
        }
        times.sort_unstable();
        times[10]
    };
    let usual = median().await;
    redis.signal("STOP").await.unwrap();
    let first = timed().await;
    assert!(!app.state.limits.are_shared());
    let later = median().await;
    redis.signal("CONT").await.unwrap();
    assert!(first < usual + Duration::from_millis(100), "{first:?} instead of {usual:?}");
    assert!(later < usual + Duration::from_millis(25), "{later:?} instead of {usual:?}");
    until_shared(&app, true).await;
}

#[tokio::test]
async fn redis_learns_no_email_address_and_keeps_nothing_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let redis = redis(folder.path()).await;
    let app = app_on(&redis, |_| {}).await;
    until_shared(&app, true).await;
    let asked = app.anybody().post_json("/api/auth/forgot-password", json!({ "email": app.admin.email })).await;
    assert!(asked.status.is_success(), "{}", asked.text());
    let _ = app.get("/api/organizations/current").await.expect(StatusCode::OK);
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let counted = |name: &str| keys.iter().any(|key| key.starts_with(&format!("heliograph:limits:{name}:")));
    assert!(counted("passwordResetsOfEmail") && counted("passwordResets"), "{keys:?}");
    for key in keys.iter().filter(|key| key.starts_with("heliograph:limits:")) {
        assert!(!key.contains("ada"), "{key}");
        let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut connection).await.unwrap();
        assert!((-2..=3_600_000).contains(&left) && left != -1, "{key}: {left}");
    }
}
