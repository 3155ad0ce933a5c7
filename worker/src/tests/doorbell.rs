//! The doorbell: how fast it is, and what becomes of it when Redis fails.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    redis_server::RedisServer,
    rig::{Ending, Rig},
};

/// So long that only a ring starts a job.
const NEVER: Duration = Duration::from_hours(1);
const POLL: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(5);

/// Commits jobs until one starts by a ring, which is far faster than any poll.
async fn until_it_rings(rig: &Rig, number: u64) {
    let begun = Instant::now();
    while rig.latency(number, PATIENCE).await > Duration::from_millis(100) {
        assert!(begun.elapsed() < Duration::from_secs(15), "the doorbell does not ring again");
    }
}

#[tokio::test]
async fn a_committed_job_starts_within_25_ms_on_an_idle_system() {
    let redis = RedisServer::start().await;
    let rig = Rig::start(Some(redis.url()), POLL, 16).await;
    until_it_rings(&rig, 0).await;
    let mut latencies = Vec::new();
    for number in 1..=100 {
        latencies.push(rig.latency(number, PATIENCE).await);
    }
    latencies.sort_unstable();
    let (median, p95) = (latencies[50], latencies[94]);
    println!("commit to start: p50 {median:?}, p95 {p95:?}, max {:?}", latencies[99]);
    assert!(p95 <= Duration::from_millis(25), "p95 {p95:?}");
}

#[tokio::test]
async fn an_emptied_redis_costs_nothing() {
    let redis = RedisServer::start().await;
    let rig = Rig::start(Some(redis.url()), POLL, 16).await;
    until_it_rings(&rig, 0).await;
    for number in 1..=3 {
        redis.command(&["FLUSHALL"]).await;
        rig.latency(number, PATIENCE).await;
    }
    until_it_rings(&rig, 4).await;
}

#[tokio::test]
async fn a_frozen_redis_delays_nothing_beyond_a_poll() {
    let redis = RedisServer::start().await;
    let rig = Rig::start(Some(redis.url()), POLL, 16).await;
    until_it_rings(&rig, 0).await;
    redis.command(&["CLIENT", "PAUSE", "1500"]).await;
    for number in 1..=3 {
        let begun = Instant::now();
        rig.commit(number, Ending::AtOnce).await;
        assert!(begun.elapsed() < Duration::from_millis(500), "a commit does not wait for redis");
        rig.started(PATIENCE).await;
    }
    until_it_rings(&rig, 4).await;
}

#[tokio::test]
async fn a_killed_redis_delays_nothing_beyond_a_poll_and_is_used_again_when_it_is_back() {
    let mut redis = RedisServer::start().await;
    let rig = Rig::start(Some(redis.url()), POLL, 16).await;
    until_it_rings(&rig, 0).await;
    for round in 0..2 {
        redis.kill();
        rig.latency(10 * round + 1, PATIENCE).await;
        rig.latency(10 * round + 2, PATIENCE).await;
        redis.start_again().await;
        rig.latency(10 * round + 3, PATIENCE).await;
        until_it_rings(&rig, 10 * round + 4).await;
    }
}

#[tokio::test]
async fn a_redis_without_memory_fails_no_commit() {
    let redis = RedisServer::start().await;
    let rig = Rig::start(Some(redis.url()), POLL, 16).await;
    until_it_rings(&rig, 0).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    rig.latency(1, PATIENCE).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    until_it_rings(&rig, 2).await;
}

#[tokio::test]
async fn jobs_run_though_redis_never_started() {
    let redis = RedisServer::absent();
    let rig = Rig::start(Some(redis.url()), POLL, 16).await;
    for number in 0..3 {
        rig.latency(number, PATIENCE).await;
    }
}

#[tokio::test]
async fn rings_nobody_answers_stay_few() {
    let redis = RedisServer::start().await;
    let rig = Rig::start(None, NEVER, 16).await;
    let doorbell = queue::doorbell::Doorbell::start(&redis.url()).expect("an address");
    let mut connection = redis.connection().await;
    let begun = Instant::now();
    loop {
        let job = kernel::JobId::from(uuid::Uuid::from_u128(rand::random()));
        db::Announcer::announce(&doorbell, vec![db::Announcement::Job { job, queue: "bulk" }; 50]);
        let waiting: usize = redis::cmd("LLEN").arg("heliograph:rings:bulk").query_async(&mut connection).await.expect("redis answers");
        assert!(waiting <= queue::doorbell::MAX_WAITING_RINGS);
        if waiting == queue::doorbell::MAX_WAITING_RINGS {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "only {waiting} rings arrived");
    }
    rig.stop.cancel();
}
