//! Slots, draining, and the page of all jobs.

use std::{collections::BTreeSet, time::Duration};

use super::{
    redis_server::RedisServer,
    rig::{Ending, Rig},
};
use crate::registry::registry;

const NEVER: Duration = Duration::from_hours(1);
const PATIENCE: Duration = Duration::from_secs(5);

async fn states(rig: &Rig) -> Vec<(String, i32, i32)> {
    let mut owner = rig.database.owner().await;
    sqlx::query_as("select state, attempts, crashes from jobs order by id").fetch_all(&mut owner).await.expect("reads")
}

#[tokio::test]
async fn a_full_queue_goes_on_at_once_when_a_slot_frees() {
    let redis = RedisServer::start().await;
    let rig = Rig::start(Some(redis.url()), NEVER, 2).await;
    // Only rings start jobs here. Those that meet full slots are dropped, so the freed slots have to look by themselves.
    while rig.commit(0, Ending::AtOnce).await.elapsed() < Duration::from_secs(1) {
        let heard = tokio::time::timeout(Duration::from_millis(300), rig.started(PATIENCE)).await;
        if heard.is_ok() {
            break;
        }
    }
    for number in 1..=60 {
        rig.commit(number, Ending::AtOnce).await;
    }
    let mut missing: BTreeSet<u64> = (1..=60).collect();
    while !missing.is_empty() {
        let (number, _) = rig.started(PATIENCE).await;
        missing.remove(&number);
    }
}

#[tokio::test]
async fn a_stopping_worker_lets_jobs_finish_and_gives_back_the_rest() {
    let rig = Rig::start(None, Duration::from_millis(50), 4).await;
    rig.commit(1, Ending::WhenStopped).await;
    rig.commit(2, Ending::Never).await;
    rig.started(PATIENCE).await;
    rig.started(PATIENCE).await;
    rig.stop.cancel();
    rig.commit(3, Ending::AtOnce).await;
    rig.runner.drain(Duration::from_millis(200)).await;
    let expected = [("done", 0, 0), ("waiting", 0, 0), ("waiting", 0, 0)];
    assert_eq!(states(&rig).await, expected.map(|(state, attempts, crashes)| (state.to_owned(), attempts, crashes)));
}

#[tokio::test]
async fn a_job_whose_claim_is_lost_is_cut_off() {
    let rig = Rig::start(None, Duration::from_millis(50), 1).await;
    rig.commit(1, Ending::Never).await;
    rig.started(PATIENCE).await;
    let mut owner = rig.database.owner().await;
    sqlx::query("update jobs set fence = fence + 1, state = 'done'").execute(&mut owner).await.expect("another worker took it");
    rig.runner.renew().await.expect("renews");
    // Its slot is free again: the next job can start.
    rig.commit(2, Ending::AtOnce).await;
    assert_eq!(rig.started(PATIENCE).await.0, 2);
}

#[test]
fn the_page_of_all_jobs_can_be_used() {
    runtime::tls::install();
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = runtime::Config::default();
    config.storage.dir = folder.path().into();
    let resources = crate::resources(&config).expect("services");
    let handlers = registry().build(&resources).expect("no kind twice, no service missing");
    for kind in handlers.kinds() {
        assert!(kind.contains('.'), "{kind} is `domain.verb`");
    }
}
