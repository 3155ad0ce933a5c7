//! Requests that name themselves take effect once.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use reqwest::{Method, StatusCode, multipart};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tests::app::{Answer, Client, TestApp};

const PATIENCE: Duration = Duration::from_secs(20);

fn ada() -> Value {
    json!({ "phoneNumber": "+4915123456780", "name": "Ada" })
}

async fn post_as(client: &Client, key: &str, path: &str, body: Value) -> Answer {
    client.send(client.request(Method::POST, path).header("idempotency-key", key).json(&body)).await
}

async fn create(app: &TestApp, key: &str) -> Answer {
    post_as(&app.admin.client, key, "/api/contacts", ada()).await
}

async fn count(app: &TestApp, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&mut app.database.owner().await).await.unwrap()
}

async fn contacts(app: &TestApp) -> i64 {
    count(app, "select count(*) from contacts").await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

/// Holds up whoever creates a contact, until it is dropped or committed.
async fn hold_up(owner: &mut PgConnection) -> sqlx::Transaction<'_, sqlx::Postgres> {
    let mut held = owner.begin().await.unwrap();
    sqlx::query("lock table contacts in share mode").execute(&mut *held).await.unwrap();
    held
}

#[tokio::test]
async fn of_twenty_at_once_one_takes_effect_and_all_are_told_the_same() {
    let app = TestApp::start().await;
    let answers = futures::future::join_all((0..20).map(|_| create(&app, "k-1"))).await;
    let mut ids = std::collections::BTreeSet::new();
    for answer in answers {
        if answer.status == StatusCode::CONFLICT {
            assert_eq!(answer.header("retry-after"), Some("1"));
            answer.problem(StatusCode::CONFLICT, "idempotency-key-in-flight");
        } else {
            ids.insert(answer.expect(StatusCode::CREATED).json::<Value>()["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!((ids.len(), contacts(&app).await), (1, 1));
    let again = create(&app, "k-1").await.expect(StatusCode::CREATED);
    assert!(is_replayed(&again));
    assert!(ids.contains(again.json::<Value>()["id"].as_str().unwrap()));
    assert_eq!(again.header("content-type"), Some("application/json"));
    assert_eq!(again.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn an_answer_is_remembered_for_a_day() {
    let app = TestApp::start().await;
    let first = create(&app, "k-1").await.expect(StatusCode::CREATED);
    assert!(!is_replayed(&first));
    app.clock.advance(TimeDelta::hours(23));
    let client = app.anybody().login(&app.admin.email).await;
    let again = post_as(&client, "k-1", "/api/contacts", ada()).await.expect(StatusCode::CREATED);
    assert!(is_replayed(&again));
    assert_eq!(first.body, again.body);
    app.clock.advance(TimeDelta::hours(1));
    let client = app.anybody().login(&app.admin.email).await;
    let anew = post_as(&client, "k-1", "/api/contacts", ada()).await;
    assert!(!is_replayed(&anew));
    let _ = anew.expect(StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_key_names_one_request() {
    let app = TestApp::start().await;
    let _ = create(&app, "k-1").await.expect(StatusCode::CREATED);
    let other = post_as(&app.admin.client, "k-1", "/api/contacts", json!({ "name": "Grace" })).await;
    other.problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
    let elsewhere = post_as(&app.admin.client, "k-1", "/api/contacts?x=1", ada()).await;
    elsewhere.problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
    assert_eq!(contacts(&app).await, 1);
    for bad in ["a b", "ü", &"x".repeat(256)] {
        create(&app, bad).await.problem(StatusCode::BAD_REQUEST, "idempotency-key-malformed");
    }
    let twice = app.admin.client.request(Method::POST, "/api/contacts").header("idempotency-key", "a").header("idempotency-key", "b");
    app.admin.client.send(twice.json(&ada())).await.problem(StatusCode::BAD_REQUEST, "idempotency-key-malformed");
    post_as(app.anybody(), "k-1", "/api/contacts", ada()).await.problem(StatusCode::UNAUTHORIZED, "sign-in-required");
}

#[tokio::test]
async fn each_organization_and_each_member_has_keys_of_its_own() {
    let app = TestApp::start().await;
    let (stranger, colleague) = (app.stranger().await, app.colleague("admin").await);
    let _ = create(&app, "k-1").await.expect(StatusCode::CREATED);
    let foreign = post_as(&stranger.client, "k-1", "/api/contacts", ada()).await.expect(StatusCode::CREATED);
    assert!(!is_replayed(&foreign));
    let grace = json!({ "name": "Grace" });
    let beside = post_as(&colleague.client, "k-1", "/api/contacts", grace).await.expect(StatusCode::CREATED);
    assert!(!is_replayed(&beside));
    assert_eq!(contacts(&app).await, 3);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_again_and_what_failed_is_tried_again() {
    let app = TestApp::start().await;
    let wrong = post_as(&app.admin.client, "k-1", "/api/contacts", json!({ "phoneNumber": "1" })).await;
    wrong.field_problem("phoneNumber", "country-code-missing");
    let again = post_as(&app.admin.client, "k-1", "/api/contacts", json!({ "phoneNumber": "1" })).await.expect(StatusCode::BAD_REQUEST);
    assert!(is_replayed(&again));
    assert_eq!(again.header("content-type"), Some("application/problem+json"));

    let mut owner = app.database.owner().await;
    sqlx::query("alter table contacts rename to elsewhere").execute(&mut owner).await.unwrap();
    create(&app, "k-2").await.problem(StatusCode::INTERNAL_SERVER_ERROR, "internal");
    sqlx::query("alter table elsewhere rename to contacts").execute(&mut owner).await.unwrap();
    let done = create(&app, "k-2").await.expect(StatusCode::CREATED);
    assert!(!is_replayed(&done));
}

#[tokio::test]
async fn who_may_not_is_asked_again_once_they_may() {
    let app = TestApp::start().await;
    let viewer = app.colleague("viewer").await;
    let refused = post_as(&viewer.client, "k-1", "/api/contacts", ada()).await;
    let _ = refused.expect(StatusCode::FORBIDDEN);
    assert_eq!(count(&app, "select count(*) from idempotency_keys").await, 0);
}

#[tokio::test]
async fn a_crash_after_the_commit_leaves_what_took_effect_and_says_so() {
    let app = TestApp::start().await;
    let mut owner = app.database.owner().await;
    // The process dies, as it were, before it keeps the answer.
    for statement in [
        "create function die() returns trigger language plpgsql as 'begin raise exception ''died''; end'",
        "create trigger die before update on idempotency_keys for each row when (new.state = 'answered') execute function die()",
    ] {
        sqlx::query(statement).execute(&mut owner).await.unwrap();
    }
    let _ = create(&app, "k-1").await.expect(StatusCode::CREATED);
    create(&app, "k-1").await.problem(StatusCode::CONFLICT, "idempotency-key-in-flight");
    app.clock.advance(TimeDelta::seconds(61));
    create(&app, "k-1").await.problem(StatusCode::CONFLICT, "idempotency-answer-lost");
    assert_eq!(contacts(&app).await, 1);
}

#[tokio::test]
async fn whose_turn_was_taken_cannot_commit_any_more() {
    // Without a number, so that nothing but the turn tells the two apart.
    let nobody = || json!({ "name": "Nobody" });
    let app = TestApp::start().await;
    let (mut holder, admin) = (app.database.owner().await, app.admin.client.clone());
    let held = hold_up(&mut holder).await;
    let slow = tokio::spawn(async move { post_as(&admin, "k-1", "/api/contacts", nobody()).await });
    app.database.until_blocked(1).await;
    app.clock.advance(TimeDelta::seconds(61));
    let admin = app.admin.client.clone();
    let second = tokio::spawn(async move { post_as(&admin, "k-1", "/api/contacts", nobody()).await });
    app.database.until_blocked(2).await;
    held.commit().await.unwrap();
    let (slow, second) = (slow.await.unwrap(), second.await.unwrap());
    slow.problem(StatusCode::CONFLICT, "idempotency-key-in-flight");
    let id = second.expect(StatusCode::CREATED).json::<Value>()["id"].clone();
    assert_eq!(contacts(&app).await, 1);
    let again = post_as(&app.admin.client, "k-1", "/api/contacts", nobody()).await.expect(StatusCode::CREATED);
    assert_eq!((is_replayed(&again), &again.json::<Value>()["id"]), (true, &id));
}

#[tokio::test]
async fn a_client_that_goes_away_finds_its_answer_later() {
    let app = TestApp::start().await;
    let (mut holder, admin) = (app.database.owner().await, app.admin.client.clone());
    let held = hold_up(&mut holder).await;
    let gone = tokio::spawn(async move { post_as(&admin, "k-1", "/api/contacts", ada()).await });
    app.database.until_blocked(1).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    create(&app, "k-1").await.problem(StatusCode::CONFLICT, "idempotency-key-in-flight");
    held.commit().await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let answer = loop {
        let answer = create(&app, "k-1").await;
        if answer.status == StatusCode::CREATED {
            break answer;
        }
        assert!(Instant::now() < deadline, "the answer was never kept");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(is_replayed(&answer));
    assert_eq!(contacts(&app).await, 1);
}

#[tokio::test]
async fn a_file_is_imported_once() {
    let app = TestApp::start().await;
    let file = format!("phoneNumber,name\n{}", "+4915110000001,Ada\n".repeat(100_000));
    // The same bytes, the boundary among them.
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\ncontent-type: text/csv\r\n\r\n{file}\r\n--x--\r\n"
    );
    let import = async |key: &str| {
        let request = app.admin.client.request(Method::POST, "/api/contacts/import").header("idempotency-key", key);
        app.admin.client.send(request.header("content-type", "multipart/form-data; boundary=x").body(body.clone())).await
    };
    let first = import("k-1").await.expect(StatusCode::ACCEPTED);
    let again = import("k-1").await.expect(StatusCode::ACCEPTED);
    assert!(is_replayed(&again));
    assert_eq!(first.body, again.body);
    assert_eq!(count(&app, "select count(*) from contact_imports").await, 1);
    assert_eq!(count(&app, "select size from contact_imports").await, i64::try_from(file.len()).unwrap());
    let form = multipart::Form::new().part("file", multipart::Part::text("phoneNumber\n").file_name("a.csv"));
    let other = app.admin.client.request(Method::POST, "/api/contacts/import").header("idempotency-key", "k-1").multipart(form);
    app.admin.client.send(other).await.problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
}

#[tokio::test]
async fn a_program_and_its_maker_have_keys_of_their_own() {
    let app = TestApp::start().await;
    let made =
        app.post_json("/api/api-keys", json!({ "name": "importer", "permissions": ["contacts.write"] })).await.expect(StatusCode::CREATED);
    let secret = made.json::<Value>()["key"].as_str().expect("the key is shown once").to_owned();
    let _ = create(&app, "k-1").await.expect(StatusCode::CREATED);
    let request = app.anybody().request(Method::POST, "/api/contacts").header("x-api-key", &secret).header("idempotency-key", "k-1");
    let beside = app.anybody().send(request.json(&json!({ "name": "Grace" }))).await.expect(StatusCode::CREATED);
    assert!(!is_replayed(&beside));
    assert_eq!(contacts(&app).await, 2);
}

#[tokio::test]
async fn every_operation_that_makes_something_takes_a_key() {
    let paths = api::openapi::document()["paths"].as_object().unwrap();
    for (path, item) in paths {
        let Some(operation) = item.get("post") else { continue };
        let open = operation["security"].as_array().is_some_and(|needs| needs.iter().all(|need| need == &json!({})));
        let takes =
            operation["parameters"].as_array().into_iter().flatten().any(|one| one["name"] == "Idempotency-Key" && one["in"] == "header");
        let secret = operation["tags"] == json!(["identity"]) || operation["x-step-up"] == true;
        assert_eq!(takes, !open && !secret && !path.contains("/preview"), "{path}");
    }
}

#[tokio::test]
async fn of_passwords_and_of_what_is_shown_once_nothing_is_kept() {
    let app = TestApp::start().await;
    let key = json!({ "name": "importer", "permissions": ["contacts.write"] });
    let step_up = json!({ "password": tests::app::PASSWORD });
    for (path, body, status) in [("/api/api-keys", key, StatusCode::CREATED), ("/api/auth/step-up", step_up, StatusCode::NO_CONTENT)] {
        for _ in 0..2 {
            let answer = post_as(&app.admin.client, "k-1", path, body.clone()).await.expect(status);
            assert!(!is_replayed(&answer), "{path}");
        }
    }
    assert_eq!(count(&app, "select count(*) from api_keys").await, 2);
    assert_eq!(count(&app, "select count(*) from idempotency_keys").await, 0);
}
