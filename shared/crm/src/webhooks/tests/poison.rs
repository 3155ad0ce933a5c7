//! Bodies that cannot be read never stand in the way of others.

use serde_json::json;

use super::fixture::*;

fn nested(depth: usize) -> Vec<u8> {
    [vec![b'['; depth], vec![b']'; depth]].concat()
}

#[tokio::test]
async fn odd_bodies_never_block_others() {
    let mut fixture = Fixture::new().await;
    let sender = fixture.sender(20, ACCEPTED).await;
    let text = |value: serde_json::Value| value.to_string().into_bytes();
    let with = |field: &str, value: serde_json::Value| {
        let mut status = sender.status(20, "sent", 1);
        status[field] = value;
        sender.body(&[status])
    };
    let odd: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        vec![0; 64],
        nested(100_000),
        format!("{{\"entry\":{}}}", "[".repeat(50_000)).into_bytes(),
        text(json!({ "entry": 5 })),
        text(json!({ "entry": [{ "id": {}, "changes": "x" }] })),
        text(json!({ "object": "x", "entry": [{ "changes": [{ "field": "messages", "value": null }] }] })),
        text(json!({ "entry": [{ "id": "1", "changes": [{ "field": "somethingNew", "value": { "a": [1, 2, { "b": null }] } }] }] })),
        with("timestamp", json!("99999999999999999999999")),
        with("timestamp", json!("-9223372036854775808")),
        with("timestamp", json!(1e300)),
        with("timestamp", json!(8_200_000_000_000_i64)),
        with("timestamp", json!(null)),
        with("id", json!("wamid.\u{0}.1")),
        with("id", json!("x".repeat(100_000))),
        with("id", json!(12)),
        with("status", json!("deleted\u{0}")),
        with("status", json!([])),
        with("biz_opaque_callback_data", json!({ "a": 1 })),
        with("biz_opaque_callback_data", json!("\u{0}\u{0}")),
        with("errors", json!([{ "code": 1e40, "title": "\u{0}" }])),
        with("errors", json!([{ "code": i64::MAX, "title": "x".repeat(50_000) }])),
        with("errors", json!("none")),
        body(&sender.account, "\u{0}1", &[sender.status(1, "sent", 1)]),
        body("\u{0}", &sender.number, &[]),
    ];
    let count = odd.len();
    for (place, odd) in odd.into_iter().enumerate() {
        let seq = 1 + i32::try_from(place % 19).unwrap();
        fixture.receive([odd, sender.body(&[sender.status(seq, "delivered", 3)])]).await;
    }
    let folded = fixture.folder().drain().await.unwrap();
    assert_eq!(folded.taken, count * 2);
    assert!(folded.dead >= 8, "{folded:?}");
    let rows = fixture.rows(&sender).await;
    assert!(rows[..19].iter().all(|row| row.state == DELIVERED));
    assert!(fixture.outcomes().await["applied"] >= i64::try_from(count).unwrap());
    fixture.check_counters(&sender).await;
}

#[tokio::test]
async fn a_dead_letter_belongs_to_the_owner_of_the_number_in_it() {
    let mut fixture = Fixture::new().await;
    let sender = fixture.sender(1, ACCEPTED).await;
    let mut broken = sender.body(&[sender.status(1, "sent", 1)]);
    broken.pop();
    fixture.receive([broken, b"{\"phone_number_id\":".to_vec()]).await;
    assert_eq!(fixture.folder().drain().await.unwrap().dead, 2);
    assert_eq!(fixture.count("webhook_outcomes where state = 'deadLetter' and organization_id is not null").await, 1);
    assert_eq!(fixture.count("webhook_outcomes where state = 'deadLetter' and reason is not null").await, 2);
    assert_eq!(fixture.count("webhook_pending").await, 0);
}
