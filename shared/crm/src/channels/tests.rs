use kernel::{ChannelId, PageRequest};
use queue::Outcome;
use secrecy::ExposeSecret;

use super::{
    Channel, ChannelError, ChannelPatch, ChannelState, NewChannel,
    service::{self, Keeping},
};
use crate::{
    arranged::{Arranged, vault},
    graph_stub::GraphStub,
};

fn input(number: &str) -> NewChannel {
    NewChannel {
        display_name: "Shop".into(),
        phone_number_id: number.into(),
        business_account_id: "9001".into(),
        access_token: "EAAG-one".into(),
        messages_per_second: None,
    }
}

async fn create(app: &Arranged, input: NewChannel) -> Result<Channel, ChannelError> {
    let vault = vault();
    let mut tx = app.begin().await;
    let channel = service::create(&mut tx, &*app.clock, Keeping { vault: &vault, max_messages_per_second: 1_000 }, input).await?;
    tx.commit().await.unwrap();
    Ok(channel)
}

async fn patch(app: &Arranged, id: ChannelId, patch: ChannelPatch) -> Result<Channel, ChannelError> {
    let vault = vault();
    let mut tx = app.begin().await;
    let channel = service::patch(&mut tx, &*app.clock, Keeping { vault: &vault, max_messages_per_second: 1_000 }, id, patch).await?;
    tx.commit().await.unwrap();
    Ok(channel)
}

async fn read(app: &Arranged, id: ChannelId) -> Channel {
    service::get(&mut app.begin().await, id).await.unwrap()
}

async fn wakes(app: &Arranged) -> i64 {
    app.count("select sum(wake_seq)::bigint from lane_signals").await
}

#[tokio::test]
async fn a_channel_connects_when_its_token_reads_its_number() {
    let app = Arranged::new().await;
    let graph = GraphStub::start().await;
    let channel = create(&app, input("1001")).await.unwrap();
    assert_eq!((channel.state, channel.messages_per_second), (ChannelState::Connecting, 80));
    assert_eq!(app.count("select count(*) from lanes join lane_signals using (organization_id, channel_id)").await, 1);
    let before = wakes(&app).await;
    app.worker(&graph.url()).drain().await;
    let channel = read(&app, channel.id).await;
    assert_eq!((channel.state, channel.quality.as_deref()), (ChannelState::Connected, Some("GREEN")));
    assert_eq!((channel.messaging_tier.as_deref(), channel.throughput.as_deref()), (Some("TIER_UNLIMITED"), Some("HIGH")));
    assert!(wakes(&app).await > before);
    assert_eq!(graph.authorizations(), ["Bearer EAAG-one"]);
}

#[tokio::test]
async fn the_token_is_sealed_in_the_row() {
    let app = Arranged::new().await;
    let channel = create(&app, input("1001")).await.unwrap();
    assert_eq!(app.count("select count(*) from channels where position('EAAG'::bytea in access_token) > 0").await, 0);
    let token = service::access_token(&mut app.begin().await, &vault(), channel.id).await.unwrap();
    assert_eq!(token.expose_secret(), "EAAG-one");
    assert!(!format!("{:?}", input("1001")).contains("EAAG"));
}

#[tokio::test]
async fn a_number_is_connected_once_in_the_installation() {
    let app = Arranged::new().await;
    let graph = GraphStub::start().await;
    let first = create(&app, input("1001")).await.unwrap();
    app.worker(&graph.url()).drain().await;
    let second = create(&app, input("1001")).await.unwrap();
    app.worker(&graph.url()).drain().await;
    assert_eq!(read(&app, first.id).await.state, ChannelState::Connected);
    let second = read(&app, second.id).await;
    assert_eq!(second.state, ChannelState::Disconnected);
    assert!(second.state_reason.unwrap().starts_with("number-connected-elsewhere"));
}

#[tokio::test]
async fn a_refused_token_disconnects_and_a_new_one_connects() {
    let app = Arranged::new().await;
    let graph = GraphStub::start().await;
    graph.refuse_token("EAAG-one");
    let channel = create(&app, input("1001")).await.unwrap();
    app.worker(&graph.url()).drain().await;
    let refused = read(&app, channel.id).await;
    assert_eq!(refused.state, ChannelState::Disconnected);
    assert!(refused.state_reason.unwrap().contains("190"));
    let before = wakes(&app).await;
    let renewed = ChannelPatch { access_token: Some("EAAG-two".into()), ..ChannelPatch::default() };
    assert_eq!(patch(&app, channel.id, renewed).await.unwrap().state, ChannelState::Connecting);
    assert!(wakes(&app).await > before);
    app.worker(&graph.url()).drain().await;
    assert_eq!(read(&app, channel.id).await.state, ChannelState::Connected);
}

#[tokio::test]
async fn a_provider_in_trouble_is_asked_again() {
    let app = Arranged::new().await;
    let channel = create(&app, input("1001")).await.unwrap();
    let ran = app.offline_worker().drain().await;
    assert!(matches!(ran[0].outcome, Outcome::Retry), "{ran:?}");
    assert_eq!(read(&app, channel.id).await.state, ChannelState::Connecting);
}

#[tokio::test]
async fn a_channel_in_use_is_not_deleted() {
    let app = Arranged::new().await;
    let channel = create(&app, input("1001")).await.unwrap();
    let mut owner = app.database.owner().await;
    sqlx::query(
        "insert into templates (organization_id, id, channel_id, business_account_id, name, language, category, parameter_format, components,
                                status, created_at, updated_at)
         values ($1, $2, $2, '9001', 'x', 'en', 'UTILITY', 'POSITIONAL', '[]', 'DRAFT', now(), now())",
    )
    .bind(app.organization)
    .bind(channel.id)
    .execute(&mut owner)
    .await
    .unwrap();
    assert!(matches!(service::delete(&mut app.begin().await, channel.id).await, Err(ChannelError::InUse)));
    let free = create(&app, input("1002")).await.unwrap();
    let mut tx = app.begin().await;
    service::delete(&mut tx, free.id).await.unwrap();
    tx.commit().await.unwrap();
    let page = service::list(&mut app.begin().await, PageRequest { limit: 10, after: None }).await.unwrap();
    assert_eq!(page.data.len(), 1);
    let mut foreign = app.db.tenant(app.other).await.unwrap();
    assert!(matches!(service::get(&mut foreign, channel.id).await, Err(ChannelError::NotFound(_))));
}

#[tokio::test]
async fn every_broken_rule_is_named() {
    let app = Arranged::new().await;
    let bad = NewChannel {
        display_name: " ".into(),
        phone_number_id: "12/../3".into(),
        business_account_id: String::new(),
        access_token: "two words".into(),
        messages_per_second: Some(1_001),
    };
    let Err(ChannelError::Invalid(errors)) = create(&app, bad).await else { panic!("it was taken") };
    let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["displayName", "messagesPerSecond", "phoneNumberId", "businessAccountId", "accessToken"]);
}
