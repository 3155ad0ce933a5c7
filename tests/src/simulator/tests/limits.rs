//! Tokens, limits, and chance.

use chrono::TimeDelta;
use kernel::{AttemptId, attempt::AttemptKind};
use uuid::Uuid;

use super::{
    super::{check, ledger::LedgerEntry},
    *,
};

#[tokio::test]
async fn a_missing_token_and_an_expired_one_are_told_apart() {
    let (simulator, client) = start(Faults::default()).await;
    let url = format!("{}/v25.0/{NUMBER}/messages", client.url);
    let missing = client.http.post(&url).json(&text("+4915112345678")).send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(code(&missing.json().await.unwrap()), 104);

    simulator.set_faults(Faults { token_expired: true, ..Faults::default() });
    let (status, body) = client.send(&text("+4915112345678")).await.unwrap();
    assert_eq!((status, code(&body), body["error"]["error_subcode"].as_i64()), (StatusCode::UNAUTHORIZED, 190, Some(463)));
    assert_eq!(code(&client.get(&format!("/v25.0/{NUMBER}")).await.1), 190);
}

#[tokio::test]
async fn strictness_refuses_strangers_only() {
    let (simulator, client) = start(Faults::default()).await;
    client.send_text("+4915112345678").await;
    simulator.set_faults(Faults { strict: true, ..Faults::default() });
    client.send_text("+4915112345678").await;
    let (_, unknown_number) = client.post("/v25.0/999/messages", &text("+4915112345678")).await.unwrap();
    assert_eq!((code(&unknown_number), unknown_number["error"]["error_subcode"].as_i64()), (100, Some(33)));
    let other = client.http.get(format!("{}/v25.0/{NUMBER}", client.url)).bearer_auth("stranger").send().await.unwrap();
    assert_eq!(code(&other.json().await.unwrap()), 190);
    assert_eq!(code(&client.send(&template("nowhere", &[])).await.unwrap().1), 132_001);
}

#[tokio::test]
async fn the_throughput_of_a_number_is_limited() {
    let faults = Faults { throughput_by_number: [(NUMBER.to_owned(), 3)].into(), ..Faults::default() };
    let (simulator, client) = start(faults).await;
    let mut refused = 0;
    for _ in 0..10 {
        let (_, body) = client.send(&text("+4915112345678")).await.unwrap();
        if body.get("error").is_some() {
            assert_eq!(code(&body), 130_429);
            refused += 1;
        }
    }
    assert!(refused >= 4, "{refused} refused");
    assert_eq!(simulator.messages().len(), 10 - refused);
    // Another number is not concerned.
    assert_eq!(client.post("/v25.0/777/messages", &text("+4915112345678")).await.unwrap().0, StatusCode::OK);
}

#[tokio::test]
async fn a_pair_may_borrow_and_then_has_to_wait() {
    let (simulator, client) = start(Faults { pair_limit: true, pair_burst: 2, ..Faults::default() }).await;
    client.send_text("+4915112345671").await;
    client.send_text("+4915112345671").await;
    assert_eq!(code(&client.send(&text("+4915112345671")).await.unwrap().1), 131_056);
    client.send_text("+4915112345672").await;
    assert_eq!(simulator.messages().len(), 3);
}

#[tokio::test]
async fn a_tier_counts_people() {
    let (_simulator, client) = start(Faults { messaging_limit: 1, ..Faults::default() }).await;
    client.send_text("+4915112345671").await;
    client.send_text("+4915112345671").await;
    assert_eq!(code(&client.send(&text("+4915112345672")).await.unwrap().1), 131_048);
    let (_, number) = client.get(&format!("/v25.0/{NUMBER}?fields=messaging_limit_tier,throughput")).await;
    assert_eq!(number, json!({ "id": NUMBER, "messaging_limit_tier": "TIER_250", "throughput": { "level": "HIGH" } }));
}

#[tokio::test]
async fn faults_can_concern_some_people_only() {
    let faults = Faults { error_share: 1.0, error_code: 131_049, recipient_prefix: "+44".to_owned(), ..Faults::default() };
    let (simulator, client) = start(faults).await;
    client.send_text("+4915112345678").await;
    assert_eq!(code(&client.send(&text("+447400123456")).await.unwrap().1), 131_049);
    assert_eq!(simulator.messages().len(), 1);
}

#[tokio::test]
async fn chance_decides_alike_for_the_same_seed() {
    let outcomes = async |seed: u64| {
        let (_simulator, client) = start(Faults { error_share: 0.5, seed, ..Faults::default() }).await;
        let mut outcomes = Vec::new();
        for last in 10..50 {
            outcomes.push(client.send(&text(&format!("+49151123456{last}"))).await.unwrap().0 == StatusCode::OK);
        }
        outcomes
    };
    let first = outcomes(7).await;
    assert_eq!(first, outcomes(7).await);
    assert_ne!(first, outcomes(8).await);
    let accepted = first.iter().filter(|accepted| **accepted).count();
    assert!((8..=32).contains(&accepted), "{accepted} of 40");
}

#[test]
fn the_ledger_is_checked_for_speed_and_duplicates() {
    let start = chrono::DateTime::from_timestamp_millis(1_800_000_000_000).unwrap();
    let campaign = Uuid::from_u128(1);
    let entry = |seq: i32, attempt_no: i16, at_ms: i64| LedgerEntry {
        wamid: format!("wamid.{seq}.{attempt_no}"),
        to: format!("+49{seq}"),
        phone_number_id: "1".to_owned(),
        message_type: "template".to_owned(),
        template: None,
        language: None,
        parameters: Vec::new(),
        text: None,
        opaque_data: Some(AttemptId { kind: AttemptKind::Campaign, id: campaign, seq, attempt_no, nonce: 1 }.encode()),
        token_id: String::new(),
        answer: super::super::ledger::Answer::Given,
        time: start + TimeDelta::milliseconds(at_ms),
    };
    let entries = [entry(1, 1, 0), entry(2, 1, 500), entry(3, 1, 999), entry(4, 1, 1_000), entry(2, 2, 5_000)];
    assert_eq!(check::most_in_a_second(&entries), 3);
    let twice = check::executed_twice(&entries);
    assert_eq!(twice.len(), 1);
    assert_eq!((twice[0].0, twice[0].1.len()), ((campaign, 2), 2));
    assert_eq!(check::sent_twice_to(&entries)[0].0, "+492");
    assert!(check::without_attempt(&entries).is_empty());
}
