//! What the provider posts, from the socket to what people see of it.

use crm::webhooks::Folder;
use db::DbOptions;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{AttemptId, CampaignId, ChannelId, Clock, OrganizationId, attempt::AttemptKind};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use tests::app::{Answer, TestApp};

const SECRET: &str = "the app's secret";
const FORMER_SECRET: &str = "the secret before";
const NONCE: i64 = 4_711;

async fn an_app() -> TestApp {
    TestApp::start_with(|config| {
        config.whatsapp.app_secret = format!("{SECRET}, {FORMER_SECRET}").into();
        config.whatsapp.verify_token = "verify me".into();
    })
    .await
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

async fn post(app: &TestApp, body: &[u8]) -> Answer {
    post_signed(app, "/api/whatsapp/webhook", body, &[&signature(SECRET, body)]).await
}

async fn post_signed(app: &TestApp, path: &str, body: &[u8], signatures: &[&str]) -> Answer {
    let anybody = app.anybody();
    let mut request = anybody.request(Method::POST, path).header("content-type", "application/json").body(body.to_vec());
    for signature in signatures {
        request = request.header("x-hub-signature-256", *signature);
    }
    anybody.send(request).await
}

async fn fold(app: &TestApp) {
    Folder::new(app.database.db(), &DbOptions::new(app.database.app_url(), "test")).drain().await.unwrap();
}

async fn stored(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from webhook_events").fetch_one(&mut app.database.owner().await).await.unwrap()
}

/// A connected number with a campaign of one message, accepted by the provider.
async fn a_sent_message(app: &TestApp, organization: OrganizationId, number: &str) -> CampaignId {
    let (channel, campaign) = (ChannelId::at(app.clock.now()), CampaignId::at(app.clock.now()));
    let mut owner = app.database.owner().await;
    sqlx::query(
        "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token, messages_per_second, created_at, updated_at)
         values ($1, $2, 'cloudApi', 'Main', $3, '1', 'connected', '', 80, now(), now())",
    )
    .bind(organization)
    .bind(channel)
    .bind(number)
    .execute(&mut owner)
    .await
    .unwrap();
    sqlx::query(
        "insert into campaign_runs (organization_id, campaign_id, channel_id, phone_number_id, state, category, content, unknown_policy, grace_seconds, audience, launched_at)
         values ($1, $2, $3, $4, 'running', 'MARKETING', '{}', 'giveUp', 600, 1, now())",
    )
    .bind(organization)
    .bind(campaign)
    .bind(channel)
    .bind(number)
    .execute(&mut owner)
    .await
    .unwrap();
    sqlx::query("insert into campaign_messages (organization_id, campaign_id, seq, state, nonce) values ($1, $2, 1, 5, $3)")
        .bind(organization)
        .bind(campaign)
        .bind(NONCE)
        .execute(&mut owner)
        .await
        .unwrap();
    campaign
}

fn delivered(number: &str, campaign: CampaignId) -> Vec<u8> {
    let opaque = AttemptId { kind: AttemptKind::Campaign, id: campaign.uuid(), seq: 1, attempt_no: 1, nonce: NONCE }.encode();
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "phone_number_id": number },
        "statuses": [{ "id": "wamid.1", "status": "delivered", "timestamp": "1790000000", "biz_opaque_callback_data": opaque }],
    } }] }] })
    .to_string()
    .into_bytes()
}

async fn state_of(app: &TestApp, campaign: CampaignId) -> i16 {
    sqlx::query_scalar("select state from campaign_messages where campaign_id = $1")
        .bind(campaign)
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_status_posted_by_the_provider_reaches_the_message_and_is_shown() {
    let app = an_app().await;
    let stranger = app.stranger().await;
    let campaign = a_sent_message(&app, app.admin.organization, "1001").await;
    let body = delivered("1001", campaign);
    let answer = post(&app, &body).await.expect(StatusCode::OK);
    assert!(answer.body.is_empty());
    fold(&app).await;
    assert_eq!(state_of(&app, campaign).await, 8);

    let page: Value = app.get("/api/webhook-events?state=applied&field=messages").await.expect(StatusCode::OK).json();
    let event = &page["data"][0];
    assert_eq!((&event["changed"], &event["state"], &event["reason"]), (&1.into(), &"applied".into(), &Value::Null));
    assert_eq!(event["body"].as_str().unwrap().as_bytes(), body);
    let path = format!("/api/webhook-events/{}", event["id"].as_str().unwrap());
    let shown: Value = app.get(&path).await.expect(StatusCode::OK).json();
    assert_eq!(&shown, event);
    let none: Value = app.get("/api/webhook-events?state=deadLetter").await.expect(StatusCode::OK).json();
    assert_eq!(none["data"], json!([]));
    app.get("/api/webhook-events?state=nonsense").await.expect(StatusCode::BAD_REQUEST);

    let theirs: Value = stranger.client.get("/api/webhook-events").await.expect(StatusCode::OK).json();
    assert_eq!(theirs["data"], json!([]));
    stranger.client.get(&path).await.problem(StatusCode::NOT_FOUND, "webhook-event-not-found");
    stranger.client.post(&format!("{path}/replay")).await.problem(StatusCode::NOT_FOUND, "webhook-event-not-found");
    let agent = app.colleague("agent").await;
    agent.client.get("/api/webhook-events").await.problem(StatusCode::FORBIDDEN, "right-missing");

    let replayed: Value = app.post(&format!("{path}/replay")).await.expect(StatusCode::ACCEPTED).json();
    assert_eq!(replayed["state"], "received");
    fold(&app).await;
    let shown: Value = app.get(&path).await.expect(StatusCode::OK).json();
    assert_eq!((&shown["state"], &shown["changed"]), (&"applied".into(), &1.into()));
}

#[tokio::test]
async fn only_what_the_app_signed_is_stored() {
    let app = an_app().await;
    let body = br#"{"entry":[]}"#;
    let good = signature(SECRET, body);
    let other = signature("another secret", body);
    let of_other_bytes = signature(SECRET, br#"{ "entry": [] }"#);
    let sha1 = good.replace("sha256", "sha1");
    for wrong in [&[][..], &[""], &[&good[7..]], &[&sha1], &[&other], &[&of_other_bytes], &[&good[..60]], &[&good, &good]] {
        post_signed(&app, "/api/whatsapp/webhook", body, wrong).await.problem(StatusCode::UNAUTHORIZED, "webhook-signature-invalid");
    }
    assert_eq!(stored(&app).await, 0);
    post_signed(&app, "/api/whatsapp/webhook", body, &[&good]).await.expect(StatusCode::OK);
    post_signed(&app, "/webhook/incoming", body, &[&good]).await.expect(StatusCode::OK);
    post_signed(&app, "/api/whatsapp/webhook", body, &[&signature(FORMER_SECRET, body)]).await.expect(StatusCode::OK);
    let apps: Vec<i16> =
        sqlx::query_scalar("select app from webhook_events order by id").fetch_all(&mut app.database.owner().await).await.unwrap();
    assert_eq!(apps, [0, 0, 1]);
}

#[tokio::test]
async fn bodies_of_three_megabytes_are_taken_and_larger_ones_refused() {
    let app = an_app().await;
    let mut body = vec![b' '; 3 << 20];
    body.extend_from_slice(br#"{"entry":[]}"#);
    post(&app, &body).await.expect(StatusCode::OK);
    let huge = vec![b' '; 5 << 20];
    post(&app, &huge).await.problem(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
    assert_eq!(stored(&app).await, 1);
}

#[tokio::test]
async fn the_verification_is_answered_with_the_bare_challenge_for_the_right_token_only() {
    let app = an_app().await;
    let ask = async |query: &str| app.anybody().get(&format!("/api/whatsapp/webhook{query}")).await;
    let answer = ask("?hub.mode=subscribe&hub.verify_token=verify%20me&hub.challenge=1158201444").await.expect(StatusCode::OK);
    assert_eq!(answer.text(), "1158201444");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    for wrong in [
        "",
        "?hub.mode=subscribe&hub.challenge=1",
        "?hub.mode=subscribe&hub.verify_token=verify&hub.challenge=1",
        "?hub.mode=unsubscribe&hub.verify_token=verify%20me&hub.challenge=1",
        "?hub.mode=subscribe&hub.verify_token=verify%20me",
    ] {
        ask(wrong).await.problem(StatusCode::FORBIDDEN, "webhook-verification-refused");
    }
}

#[tokio::test]
async fn a_body_that_nobody_understands_is_stored_and_told_of_without_harm_to_others() {
    let app = an_app().await;
    let campaign = a_sent_message(&app, app.admin.organization, "1002").await;
    post(&app, b"{\"entry\": [[[").await.expect(StatusCode::OK);
    post(&app, &delivered("1002", campaign)).await.expect(StatusCode::OK);
    fold(&app).await;
    assert_eq!(state_of(&app, campaign).await, 8);
    let page: Value = app.get("/api/webhook-events?state=deadLetter").await.expect(StatusCode::OK).json();
    let event = &page["data"][0];
    assert_eq!(event["body"], Value::Null, "it might be anybody's");
    assert!(event["reason"].as_str().unwrap().contains("no webhook"), "{event}");
    let path = format!("/api/webhook-events/{}", event["id"].as_str().unwrap());
    app.post(&format!("{path}/replay")).await.expect(StatusCode::ACCEPTED);
    fold(&app).await;
    let again: Value = app.get(&path).await.expect(StatusCode::OK).json();
    assert_eq!(again["state"], "deadLetter");
}

#[tokio::test]
async fn fifty_identical_requests_at_once_change_one_row_once() {
    let app = an_app().await;
    let campaign = a_sent_message(&app, app.admin.organization, "1003").await;
    let body = delivered("1003", campaign);
    let posts = futures::future::join_all((0..50).map(|_| post(&app, &body))).await;
    assert!(posts.iter().all(|answer| answer.status == StatusCode::OK));
    fold(&app).await;
    assert_eq!(state_of(&app, campaign).await, 8);
    let moved: i64 =
        sqlx::query_scalar("select sum(n) from campaign_counter_deltas").fetch_one(&mut app.database.owner().await).await.unwrap();
    assert_eq!((stored(&app).await, moved), (50, 1));
}
