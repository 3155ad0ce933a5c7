//! What statuses do to rows.

use kernel::SystemClock;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::fixture::*;
use crate::{
    audit::Actor,
    campaigns::ledger::{Outcome, OutcomeRow, record},
    lanes::LaneKey,
    webhooks::{EventFilter, EventState, service},
};

#[tokio::test]
async fn statuses_in_any_order_and_number_end_in_the_same_rows_and_counters() {
    const ROWS: i32 = 120;
    let mut rng = StdRng::seed_from_u64(7);
    let mut fixture = Fixture::new().await;
    let sender = fixture.sender(ROWS, ACCEPTED).await;
    let folder = fixture.folder();
    let words = ["sent", "failed", "delivered", "read"];
    let mut said = Vec::new();
    let mut expected = Vec::new();
    for seq in 1..=ROWS {
        let mut rank = ACCEPTED;
        let mut first = [None; 4];
        for (kind, word) in words.into_iter().enumerate() {
            for _ in 0..rng.random_range(0..3) {
                let second = rng.random_range(0..100);
                rank = rank.max(SENT + i16::try_from(kind).unwrap());
                first[kind] = Some(first[kind].map_or(second, |known: i64| known.min(second)));
                let copies = rng.random_range(1..3);
                said.extend(std::iter::repeat_n(sender.status(seq, word, second), copies));
            }
        }
        expected.push((seq, rank, first.map(|second| second.map(at))));
    }
    said.shuffle(&mut rng);
    for some in said.chunks(37) {
        fixture.receive(some.chunks(5).map(|few| sender.body(few))).await;
        if rng.random_bool(0.6) {
            folder.drain().await.unwrap();
        }
    }
    folder.drain().await.unwrap();
    let found: Vec<_> = fixture
        .rows(&sender)
        .await
        .into_iter()
        .map(|row| (row.seq, row.state, [row.sent_at, row.failed_at, row.delivered_at, row.read_at]))
        .collect();
    assert_eq!(found, expected);
    fixture.check_counters(&sender).await;
    let before = fixture.rows(&sender).await;
    let deltas = fixture.count("campaign_counter_deltas").await;
    fixture.receive(said.iter().rev().map(|one| sender.body(std::slice::from_ref(one)))).await;
    assert_eq!(folder.drain().await.unwrap().changed, 0, "repeats fold to nothing");
    assert_eq!(fixture.rows(&sender).await, before);
    assert_eq!(fixture.count("campaign_counter_deltas").await, deltas);
    assert_eq!(fixture.count("webhook_pending").await, 0);
}

#[tokio::test]
async fn a_status_may_come_before_our_own_result() {
    let mut fixture = Fixture::new().await;
    let sender = fixture.sender(2, CLAIMED).await;
    fixture.receive([sender.body(&[sender.status(1, "sent", 1)])]).await;
    fixture.folder().drain().await.unwrap();
    assert_eq!(fixture.rows(&sender).await[0].state, SENT);
    let result = |seq: i32| OutcomeRow {
        lane: LaneKey { organization: sender.organization, channel: sender.channel },
        campaign: sender.campaign,
        seq,
        attempt_no: 1,
        nonce: NONCE,
        outcome: Outcome::Accepted { provider_id: format!("wamid.{seq}.1") },
    };
    record(&fixture.database.ledger(), &[result(1), result(2)]).await.unwrap();
    fixture.receive([sender.body(&[sender.status(2, "sent", 1)])]).await;
    fixture.folder().drain().await.unwrap();
    for row in fixture.rows(&sender).await {
        assert_eq!(row.state, SENT);
        assert!(row.accepted_at.is_some());
        assert_eq!(row.sent_at, Some(at(1)));
        assert_eq!(row.provider_id, Some(format!("wamid.{}.1", row.seq)));
    }
    fixture.check_counters(&sender).await;
}

#[tokio::test]
async fn unknown_and_unconfirmed_rows_are_lifted_by_evidence_and_the_lane_is_told() {
    for (state, signals) in [(UNKNOWN, 1), (CLAIMED, 1), (UNCONFIRMED, 0)] {
        let mut fixture = Fixture::new().await;
        let sender = fixture.sender(3, state).await;
        sqlx::query(
            "insert into campaign_due (organization_id, campaign_id, seq, channel_id, not_before, kind)
             select $1, $2, seq, $3, now(), 'unknown' from generate_series(1, 3) seq",
        )
        .bind(sender.organization)
        .bind(sender.campaign)
        .bind(sender.channel)
        .execute(&mut fixture.owner)
        .await
        .unwrap();
        fixture.receive([sender.body(&[sender.status(1, "delivered", 2), sender.status(2, "failed", 1)])]).await;
        fixture.folder().drain().await.unwrap();
        let rows = fixture.rows(&sender).await;
        assert_eq!(rows.iter().map(|row| row.state).collect::<Vec<_>>(), [DELIVERED, FAILED, state]);
        assert_eq!(rows[1].error_code, Some(131_049));
        assert_eq!(fixture.count("campaign_due").await, 1, "settled rows wait for nothing");
        assert_eq!(fixture.count("lane_signals").await, signals);
        assert_eq!(fixture.count("provider_ids").await, 2);
        fixture.check_counters(&sender).await;
    }
}

#[tokio::test]
async fn a_row_whose_attempt_was_lost_with_the_ledger_takes_it_from_the_status() {
    for state in [UNKNOWN, UNCONFIRMED] {
        let mut fixture = Fixture::new().await;
        let sender = fixture.sender(3, state).await;
        fixture.execute("update campaign_messages set nonce = null, attempt_no = 2").await;
        // The row was at its second attempt: the first is known to have come to nothing, and of the third only the status tells.
        let said = [sender.status(1, "sent", 1), sender.status_of(2, 2, NONCE, "sent", 1), sender.status_of(3, 3, NONCE, "sent", 1)];
        fixture.receive([sender.body(&said)]).await;
        fixture.folder().drain().await.unwrap();
        let rows = fixture.rows(&sender).await;
        assert_eq!(rows.iter().map(|row| (row.state, row.attempt_no)).collect::<Vec<_>>(), [(state, 2), (SENT, 2), (SENT, 3)]);
        fixture.receive([sender.body(&[sender.status_of(3, 3, NONCE, "read", 2), sender.status_of(2, 2, NONCE + 1, "read", 2)])]).await;
        fixture.folder().drain().await.unwrap();
        let rows = fixture.rows(&sender).await;
        assert_eq!(rows.iter().map(|row| row.state).collect::<Vec<_>>(), [state, SENT, READ], "from then on the nonce must fit");
        fixture.check_counters(&sender).await;
    }
}

#[tokio::test]
async fn a_forged_status_changes_nothing() {
    let mut fixture = Fixture::new().await;
    let victim = fixture.sender(3, CLAIMED).await;
    let attacker = fixture.sender(3, CLAIMED).await;
    let other_number = format!("9{}", attacker.number);
    fixture
        .execute(&format!(
            "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token, messages_per_second, created_at, updated_at)
             values ('{}', gen_random_uuid(), 'cloudApi', 'Second', '{other_number}', '1', 'connected', '', 80, now(), now())",
            victim.organization,
        ))
        .await;
    let before = fixture.rows(&victim).await;
    let forged = [
        // wrong nonce, wrong attempt, wrong row
        victim.body(&[
            victim.status_of(1, 1, NONCE + 1, "read", 1),
            victim.status_of(1, 2, NONCE, "read", 1),
            victim.status_of(1, 0, NONCE, "read", 1),
        ]),
        victim.body(&[victim.status_of(99, 1, NONCE, "read", 1), victim.status_of(-1, -1, 0, "read", 1)]),
        // the victim's attempt through the attacker's number
        attacker.body(&[victim.status(1, "failed", 1)]),
        // through another number of the victim, which the campaign does not use
        body("1", &other_number, &[victim.status(1, "failed", 1)]),
        // through a number that nobody connected
        body("1", "404404404", &[victim.status(1, "failed", 1)]),
        // no id of ours at all
        victim.body(&[status("c1:5", "wamid.1.1", "read", 1), status("", "wamid.1.1", "read", 1)]),
    ];
    fixture.receive(forged).await;
    assert_eq!(fixture.folder().drain().await.unwrap().changed, 0);
    assert_eq!(fixture.rows(&victim).await, before);
    assert_eq!(fixture.count("campaign_counter_deltas").await, 0);
    assert_eq!(fixture.count("campaign_attempts").await, 0);
    assert_eq!(fixture.count("provider_ids").await, 0);
}

#[tokio::test]
async fn a_status_without_our_id_is_found_by_the_provider_id() {
    let mut fixture = Fixture::new().await;
    let sender = fixture.sender(2, ACCEPTED).await;
    let stranger = fixture.sender(1, ACCEPTED).await;
    let mut bare = sender.status(1, "read", 5);
    bare.as_object_mut().unwrap().remove("biz_opaque_callback_data");
    // First nothing is known of it: it waits.
    fixture.receive([sender.body(std::slice::from_ref(&bare)), stranger.body(std::slice::from_ref(&bare))]).await;
    let folded = fixture.folder().drain().await.unwrap();
    assert_eq!((folded.changed, folded.parked), (0, 2));
    fixture.receive([sender.body(&[sender.status(1, "sent", 1)])]).await;
    fixture.folder().drain().await.unwrap();
    for _ in 0..4 {
        fixture.execute("update webhook_pending set not_before = now() - interval '1 s'").await;
        fixture.folder().drain().await.unwrap();
    }
    assert_eq!(fixture.rows(&sender).await[0].state, READ);
    assert_eq!(fixture.rows(&stranger).await[0].state, ACCEPTED);
    assert_eq!(fixture.outcomes().await, [("applied".to_owned(), 3)].into());
    assert_eq!(fixture.count("webhook_outcomes where reason is not null").await, 1);
}

#[tokio::test]
async fn a_number_that_is_not_connected_is_tried_again_for_a_day() {
    let mut fixture = Fixture::new().await;
    let sender = fixture.sender(2, ACCEPTED).await;
    fixture.execute("update channels set state = 'disconnected'").await;
    fixture.receive([sender.body(&[sender.status(1, "sent", 1)])]).await;
    let folder = fixture.folder();
    assert_eq!(folder.drain().await.unwrap().parked, 1);
    assert_eq!(folder.drain().await.unwrap().taken, 0, "it waits");
    fixture.execute("update channels set state = 'connected'; update webhook_pending set not_before = now() - interval '1 s'").await;
    assert_eq!(folder.drain().await.unwrap().changed, 1);
    assert_eq!(fixture.rows(&sender).await[0].state, SENT);

    fixture.receive([body("1", "404404404", &[sender.status(2, "sent", 1)])]).await;
    folder.drain().await.unwrap();
    fixture
        .execute(
            "alter table webhook_events disable row level security;
             with old as (update webhook_events set received_at = received_at - interval '25 hours' returning id, received_at),
                  outcome as (update webhook_outcomes o set received_at = old.received_at from old where old.id = o.id)
             update webhook_pending p set received_at = old.received_at, not_before = now() - interval '1 s' from old where old.id = p.id",
        )
        .await;
    assert_eq!(folder.drain().await.unwrap().dead, 1);
    assert_eq!(fixture.outcomes().await, [("applied".to_owned(), 1), ("deadLetter".to_owned(), 1)].into());
}

#[tokio::test]
async fn people_see_their_own_requests_and_those_that_belong_to_nobody() {
    let mut fixture = Fixture::new().await;
    let (ours, theirs) = (fixture.sender(1, ACCEPTED).await, fixture.sender(1, ACCEPTED).await);
    let own_body = ours.body(&[ours.status(1, "sent", 1)]);
    fixture.receive([own_body.clone(), theirs.body(&[theirs.status(1, "sent", 1)]), b"not json".to_vec()]).await;
    fixture.folder().drain().await.unwrap();
    let db = fixture.database.db();
    let mut tx = db.tenant(ours.organization).await.unwrap();
    let page = kernel::PageRequest { limit: 10, after: None };
    let seen = service::list(&mut tx, &EventFilter::default(), page).await.unwrap().data;
    assert_eq!(
        seen.iter().map(|event| (event.state, event.own)).collect::<Vec<_>>(),
        [(EventState::DeadLetter, false), (EventState::Applied, true)]
    );
    let filter = EventFilter { state: Some(EventState::Applied), field: Some("messages".into()) };
    let applied = service::list(&mut tx, &filter, page).await.unwrap().data;
    assert_eq!(applied.len(), 1);
    assert_eq!(applied[0].body.as_ref(), Some(&own_body));
    let event = service::find(&mut tx, applied[0].id).await.unwrap();
    assert_eq!((event.changed, event.body), (1, Some(own_body)));
    assert_eq!(service::find(&mut tx, seen[0].id).await.unwrap().body, None, "nobody's body is shown to nobody");
    tx.rollback().await.unwrap();
    service::replay(&db, &SystemClock, theirs.organization, Actor::Nobody, applied[0].id).await.unwrap_err();
    let again = service::replay(&db, &SystemClock, ours.organization, Actor::System("test"), applied[0].id).await.unwrap();
    assert_eq!(again.state, EventState::Received);
    assert_eq!(fixture.folder().drain().await.unwrap().changed, 0, "a replay changes nothing");
    let mut tx = db.tenant(ours.organization).await.unwrap();
    let event = service::find(&mut tx, applied[0].id).await.unwrap();
    assert_eq!((event.state, event.changed), (EventState::Applied, 1));
}

#[tokio::test]
async fn partitions_come_and_go() {
    let mut fixture = Fixture::new().await;
    for table in ["webhook_events", "webhook_outcomes"] {
        for (day, from, to) in [("20200101", "2020-01-01", "2020-01-02"), ("20200102", "2020-01-02", "2020-01-03")] {
            fixture
                .execute(&format!("create table {table}_{day} partition of {table} for values from ('{from} 00:00Z') to ('{to} 00:00Z')"))
                .await;
        }
    }
    fixture.execute("drop table webhook_events_default").await;
    let db = fixture.database.db();
    for dropped in [4, 0] {
        let mut tx = db.system("a test").await.unwrap();
        assert_eq!(service::maintain(&mut tx).await.unwrap(), dropped);
        tx.commit().await.unwrap();
    }
    assert_eq!(fixture.count("pg_class where relname in ('webhook_events_default', 'webhook_outcomes_default')").await, 2);
}

#[tokio::test]
async fn news_of_templates_become_jobs_of_every_organization_with_the_account() {
    let mut fixture = Fixture::new().await;
    let (first, second, other) = (fixture.sender(1, ACCEPTED).await, fixture.sender(1, ACCEPTED).await, fixture.sender(1, ACCEPTED).await);
    fixture.execute(&format!("update channels set business_account_id = '42' where organization_id <> '{}'", other.organization)).await;
    let news = |field: &str, value: serde_json::Value| {
        serde_json::json!({ "object": "whatsapp_business_account", "entry": [{ "id": "42", "time": 1_772_359_200, "changes": [{ "field": field, "value": value }] }] })
            .to_string()
            .into_bytes()
    };
    let approved = serde_json::json!({ "event": "APPROVED", "message_template_id": 7, "message_template_name": "a", "message_template_language": "en-US", "reason": null });
    let announced = serde_json::json!({
        "message_template_id": 7, "new_category": "UTILITY", "correct_category": "MARKETING", "category_update_timestamp": 1_772_445_600,
    });
    let done = serde_json::json!({ "message_template_id": 7, "previous_category": "UTILITY", "new_category": "MARKETING" });
    fixture
        .receive([
            news("message_template_status_update", approved),
            news("message_template_quality_update", serde_json::json!({ "new_quality_score": "RED", "message_template_id": 7 })),
            news(
                "message_template_components_update",
                serde_json::json!({ "message_template_id": 7, "message_template_element": "Hello" }),
            ),
            news("template_category_update", announced),
            news("template_category_update", done),
            news("account_update", serde_json::json!({ "event": "DISABLED_UPDATE" })),
        ])
        .await;
    fixture.folder().drain().await.unwrap();
    for organization in [first.organization, second.organization] {
        assert_eq!(fixture.count(&format!("jobs where kind = 'templates.applyNews' and organization_id = '{organization}'")).await, 5);
    }
    assert_eq!(fixture.count("jobs").await, 10);
    let query = "select payload from jobs where organization_id = $1 order by payload #>> '{told,kind}'";
    let payloads: Vec<serde_json::Value> = sqlx::query_scalar(query).bind(first.organization).fetch_all(&mut fixture.owner).await.unwrap();
    for payload in &payloads {
        assert_eq!((&payload["providerId"], &payload["businessAccountId"]), (&"7".into(), &"42".into()));
        assert_eq!(payload["at"], "2026-03-01T10:00:00Z");
    }
    let mut told: Vec<serde_json::Value> = payloads.into_iter().map(|payload| payload["told"].clone()).collect();
    told.sort_by_key(|told| told["kind"].to_string());
    assert_eq!(
        told,
        [
            serde_json::json!({ "kind": "categoryAnnounced", "category": "MARKETING", "from": "2026-03-02T10:00:00Z" }),
            serde_json::json!({ "kind": "categoryChanged", "category": "MARKETING" }),
            serde_json::json!({ "kind": "content" }),
            serde_json::json!({ "kind": "quality", "quality": "RED" }),
            serde_json::json!({ "kind": "status", "status": "APPROVED", "reason": null, "details": {} }),
        ]
    );
    assert_eq!(fixture.outcomes().await, [("applied".to_owned(), 6)].into());
}
