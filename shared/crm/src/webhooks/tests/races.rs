//! Many folders and result flushes on the same rows at once.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio_util::sync::CancellationToken;

use super::fixture::*;
use crate::{
    campaigns::ledger::{Outcome, OutcomeRow, record},
    lanes::LaneKey,
    webhooks::Folder,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn six_folders_on_the_same_rows_agree() {
    const ROWS: i32 = 400;
    let mut rng = StdRng::seed_from_u64(11);
    let mut fixture = Fixture::new().await;
    let sender = fixture.sender(ROWS, CLAIMED).await;
    let stop = CancellationToken::new();
    let folders: Vec<_> = (0..6)
        .map(|_| {
            let folder: Folder = fixture.folder();
            let stop = stop.clone();
            tokio::spawn(async move { folder.run(stop).await })
        })
        .collect();
    let results = tokio::spawn({
        let ledger = fixture.database.ledger();
        let lane = LaneKey { organization: sender.organization, channel: sender.channel };
        let campaign = sender.campaign;
        let stop = stop.clone();
        async move {
            let mut rng = StdRng::seed_from_u64(12);
            let mut conflicts = 0;
            while !stop.is_cancelled() {
                let mut seqs: Vec<i32> = (1..=ROWS).collect();
                seqs.shuffle(&mut rng);
                let rows: Vec<OutcomeRow> = seqs[..100]
                    .iter()
                    .map(|&seq| OutcomeRow {
                        lane,
                        campaign,
                        seq,
                        attempt_no: 1,
                        nonce: NONCE,
                        outcome: if rng.random_bool(0.3) {
                            Outcome::Unknown { reason: "no answer".into(), grace_s: 600.0 }
                        } else {
                            Outcome::Accepted { provider_id: format!("wamid.{seq}.1") }
                        },
                    })
                    .collect();
                match record(&ledger, &rows).await {
                    Ok(_) => {}
                    Err(error) if error.is_conflict() => conflicts += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            conflicts
        }
    });
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        let bodies: Vec<Vec<u8>> = (0..60)
            .map(|_| {
                let statuses: Vec<_> = (0..rng.random_range(1..20))
                    .map(|_| {
                        let word = ["sent", "delivered", "read", "failed"][rng.random_range(0..4)];
                        sender.status(rng.random_range(1..=ROWS), word, rng.random_range(0..50))
                    })
                    .collect();
                sender.body(&statuses)
            })
            .collect();
        fixture.receive(bodies).await;
    }
    while fixture.count("webhook_pending").await > 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "the folders do not come to an end");
        tokio::task::yield_now().await;
    }
    stop.cancel();
    for folder in folders {
        folder.await.unwrap();
    }
    assert_eq!(results.await.unwrap(), 0, "a deadlock reached the result flush");
    assert_eq!(fixture.outcomes().await.keys().collect::<Vec<_>>(), ["applied"]);
    assert!(fixture.rows(&sender).await.iter().all(|row| row.state == READ));
    let deadlocks: i64 = sqlx::query_scalar("select deadlocks from pg_stat_database where datname = current_database()")
        .fetch_one(&mut fixture.owner)
        .await
        .unwrap();
    assert_eq!(deadlocks, 0);
    assert_eq!(fixture.count("campaign_due").await, 0, "nothing waits that is settled");
    fixture.check_counters(&sender).await;
}
