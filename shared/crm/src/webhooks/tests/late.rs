//! Evidence for an attempt that a newer one replaced.

use super::fixture::*;

const OLD: i64 = NONCE;
const NEW: i64 = 88;

/// A sender whose row 1 was superseded once and is now at its second attempt, in `state` (0: the retry has no intent yet).
async fn second_attempt(state: i16) -> (Fixture, Sender) {
    let mut fixture = Fixture::new().await;
    let sender = fixture.sender(1, state).await;
    let (organization, campaign, channel) = (sender.organization, sender.campaign, sender.channel);
    let nonce = if state < CLAIMED { "null".to_owned() } else { NEW.to_string() };
    fixture
        .execute(&format!(
            "update campaign_messages set attempt_no = 2, nonce = {nonce};
             insert into campaign_attempts (organization_id, campaign_id, seq, attempt_no, nonce, outcome)
             values ('{organization}', '{campaign}', 1, 1, {OLD}, 'superseded');
             insert into campaign_due (organization_id, campaign_id, seq, channel_id, not_before, kind)
             values ('{organization}', '{campaign}', 1, '{channel}', now(), '{}')",
            if state < CLAIMED { "retry" } else { "inFlight" },
        ))
        .await;
    (fixture, sender)
}

#[tokio::test]
async fn positive_evidence_calls_off_a_retry_that_was_not_begun() {
    for state in [0, 1] {
        for order in [["sent", "failed"], ["failed", "sent"]] {
            let (mut fixture, sender) = second_attempt(state).await;
            for word in order {
                fixture.receive([sender.body(&[sender.status_of(1, 1, OLD, word, 4)])]).await;
                fixture.folder().drain().await.unwrap();
            }
            let row = fixture.rows(&sender).await.remove(0);
            assert_eq!((row.state, row.attempt_no, row.nonce), (FAILED, 1, Some(OLD)), "{order:?}");
            assert_eq!((row.sent_at, row.failed_at, row.error_code), (Some(at(4)), Some(at(4)), Some(131_049)));
            assert!(!row.duplicate_suspected);
            assert_eq!(fixture.count("campaign_due").await, 0);
            assert_eq!(fixture.count("lane_signals").await, 1);
            fixture.check_counters(&sender).await;
            fixture.receive([sender.body(&[sender.status_of(1, 1, OLD, "read", 9)])]).await;
            fixture.folder().drain().await.unwrap();
            assert_eq!(fixture.rows(&sender).await[0].state, READ, "the attempt is the current one again");
            fixture.check_counters(&sender).await;
        }
    }
}

#[tokio::test]
async fn positive_evidence_after_the_newer_attempt_began_is_a_suspected_duplicate() {
    for state in [CLAIMED, UNKNOWN, ACCEPTED, DELIVERED] {
        let (mut fixture, sender) = second_attempt(state).await;
        let statuses = [sender.status_of(1, 1, OLD, "sent", 1), sender.status_of(1, 1, OLD, "delivered", 2)];
        for _ in 0..2 {
            fixture.receive([sender.body(&statuses)]).await;
            fixture.folder().drain().await.unwrap();
        }
        let row = fixture.rows(&sender).await.remove(0);
        assert_eq!((row.state, row.attempt_no, row.nonce), (state, 2, Some(NEW)));
        assert!(row.duplicate_suspected);
        assert_eq!(row.sent_at, None);
        assert_eq!(fixture.count("campaign_attempts where outcome like 'status:%'").await, 2, "repeats are not noted again");
        assert_eq!(fixture.count("campaign_due").await, 1);
        fixture.check_counters(&sender).await;
    }
}

#[tokio::test]
async fn an_old_failure_changes_nothing_but_the_history() {
    for state in [0, CLAIMED, ACCEPTED] {
        let (mut fixture, sender) = second_attempt(state).await;
        let before = fixture.rows(&sender).await;
        fixture.receive([sender.body(&[sender.status_of(1, 1, OLD, "failed", 1)])]).await;
        assert_eq!(fixture.folder().drain().await.unwrap().changed, 0);
        assert_eq!(fixture.rows(&sender).await, before);
        assert_eq!(fixture.count("campaign_attempts where outcome = 'status:failed' and error_code = 131049").await, 1);
        assert_eq!(fixture.count("campaign_due").await, 1);
    }
}

#[tokio::test]
async fn evidence_for_an_old_attempt_counts_only_with_its_nonce() {
    let (mut fixture, sender) = second_attempt(0).await;
    let before = fixture.rows(&sender).await;
    fixture.receive([sender.body(&[sender.status_of(1, 1, OLD + 1, "read", 1), sender.status_of(1, 0, OLD, "read", 1)])]).await;
    assert_eq!(fixture.folder().drain().await.unwrap().changed, 0);
    assert_eq!(fixture.rows(&sender).await, before);
    assert_eq!(fixture.count("campaign_attempts").await, 1);
}
