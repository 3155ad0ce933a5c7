//! Storing what comes in.

use std::sync::Arc;

use bytes::Bytes;
use kernel::SystemClock;

use super::fixture::*;
use crate::webhooks::{Intake, IntakeError};

#[tokio::test]
async fn what_was_answered_is_stored_byte_for_byte_and_queued() {
    let mut fixture = Fixture::new().await;
    let intake = Arc::new(Intake::start(fixture.database.ledger(), Arc::new(SystemClock)));
    let callers: Vec<_> = (0_u32..300)
        .map(|n| {
            let intake = Arc::clone(&intake);
            tokio::spawn(async move { intake.store(1, Bytes::from([&n.to_le_bytes()[..], b"\0\xff{"].concat())).await.unwrap() })
        })
        .collect();
    for (n, caller) in (0_u32..).zip(callers) {
        let id = caller.await.unwrap();
        let stored: (i16, Vec<u8>) =
            sqlx::query_as("select e.app, e.body from webhook_events e join webhook_pending p using (id, received_at) where id = $1")
                .bind(id)
                .fetch_one(&mut fixture.owner)
                .await
                .unwrap();
        assert_eq!(stored, (1, [&n.to_le_bytes()[..], b"\0\xff{"].concat()));
    }
    let statements = fixture.count("(select distinct xmin::text from webhook_pending) commits").await;
    assert!(statements < 150, "{statements} commits for 300 requests that came at once");
}

#[tokio::test]
async fn a_body_that_the_database_refuses_fails_alone() {
    let mut fixture = Fixture::new().await;
    fixture.execute("alter table webhook_events add constraint odd check (body <> 'poison'::bytea)").await;
    let intake = Arc::new(Intake::start(fixture.database.ledger(), Arc::new(SystemClock)));
    let callers: Vec<_> = (0..50)
        .map(|n| {
            let intake = Arc::clone(&intake);
            let body = if n == 17 { Bytes::from_static(b"poison") } else { Bytes::from(format!("body {n}")) };
            tokio::spawn(async move { intake.store(0, body).await })
        })
        .collect();
    for (n, caller) in callers.into_iter().enumerate() {
        assert_eq!(caller.await.unwrap().is_ok(), n != 17, "body {n}");
    }
    assert_eq!(fixture.count("webhook_events").await, 49);
}

#[tokio::test]
async fn without_a_database_the_provider_is_asked_to_come_again() {
    let options = db::DbOptions::new("postgres://crm_app@127.0.0.1:1/nowhere", "test");
    let intake = Intake::start(db::LedgerPool::open(&options).unwrap(), Arc::new(SystemClock));
    assert!(matches!(intake.store(0, Bytes::from_static(b"{}")).await, Err(IntakeError::Store)));
}

#[tokio::test]
async fn a_stopping_intake_stores_what_waits_and_takes_no_more() {
    let mut fixture = Fixture::new().await;
    let intake = Arc::new(Intake::start(fixture.database.ledger(), Arc::new(SystemClock)));
    let callers: Vec<_> = (0..40)
        .map(|_| {
            let intake = Arc::clone(&intake);
            tokio::spawn(async move { intake.store(0, Bytes::from_static(b"{}")).await })
        })
        .collect();
    tokio::task::yield_now().await;
    intake.close().await;
    let mut stored = 0;
    for caller in callers {
        stored += i64::from(caller.await.unwrap().is_ok());
    }
    assert_eq!(fixture.count("webhook_events").await, stored);
    assert!(matches!(intake.store(0, Bytes::from_static(b"{}")).await, Err(IntakeError::Busy)));
}

#[tokio::test]
async fn more_than_can_be_held_is_refused_at_once() {
    let fixture = Fixture::new().await;
    let intake = Arc::new(Intake::start(fixture.database.ledger(), Arc::new(SystemClock)));
    let huge = Bytes::from(vec![b' '; 3 << 20]);
    let results = futures::future::join_all((0..60).map(|_| intake.store(0, huge.clone()))).await;
    assert!(results.iter().any(Result::is_ok));
    assert!(results.iter().any(|result| matches!(result, Err(IntakeError::Busy))));
}
