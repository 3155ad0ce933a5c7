//! Workers, Redis and PostgreSQL that go away in the middle of a campaign.

use std::time::Duration;

use rand::{RngExt, seq::SliceRandom};
use tests::{
    chaos::{Bounds, Launch, Provider, Tenant, dice, finish, holder, per_crash},
    processes::{RedisPlan, Stack, StackOptions},
};

const PATIENCE: Duration = Duration::from_mins(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    KillWorker,
    FlushRedis,
    RestartRedis,
    CrashPostgres,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_survives_kills_and_restarts() {
    const RECIPIENTS: u64 = 10_000;
    let (mut dice, seed) = dice();
    let mut stack = Stack::start(&StackOptions { seed, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    let mut tenant = Tenant::settle(&stack, 1_000).await.unwrap();
    let campaign = tenant.launch(Launch::to(10_000)).await.unwrap();

    let mut faults = [[Fault::KillWorker; 5].as_slice(), &[Fault::FlushRedis; 2], &[Fault::RestartRedis, Fault::CrashPostgres]].concat();
    faults.shuffle(&mut dice);
    // What a crash left unknown and unexecuted is missing at the end: the last moments lie before that.
    let mut moments: Vec<u64> = faults.iter().map(|_| dice.random_range(100..RECIPIENTS / 2)).collect();
    moments.sort_unstable();
    for (fault, moment) in faults.iter().zip(moments) {
        provider.wait_for_executed(moment, PATIENCE).await.unwrap();
        println!("{moment} executed: {fault:?}");
        match fault {
            Fault::KillWorker => {
                // Mostly the one that sends.
                let anyone = dice.random_range(0..2);
                let place = if dice.random_bool(0.7) { holder(&stack).unwrap_or(anyone) } else { anyone };
                stack.kill_worker(place).await.unwrap();
                stack.start_worker(place).await.unwrap();
            }
            Fault::FlushRedis => stack.redis().flush_all().await.unwrap(),
            Fault::RestartRedis => stack.redis().restart().await.unwrap(),
            Fault::CrashPostgres => stack.postgres().crash_and_restart().await.unwrap(),
        }
    }
    let bounds = Bounds { unconfirmed: 6 * per_crash(1_000), ..Bounds::default() };
    finish(&mut stack, &tenant, &campaign, &bounds, PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_campaign_with_redis_never_started() {
    without_redis(RedisPlan::Absent, 10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_ends_with_a_redis_that_nobody_listens_at() {
    without_redis(RedisPlan::Nobody, 500).await;
}

async fn without_redis(redis: RedisPlan, recipients: usize) {
    let mut stack = Stack::start(&StackOptions { redis, ..StackOptions::default() }).await.unwrap();
    let mut tenant = Tenant::settle(&stack, 1_000).await.unwrap();
    let campaign = tenant.launch(Launch::to(recipients)).await.unwrap();
    finish(&mut stack, &tenant, &campaign, &Bounds::default(), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_worker_that_wakes_up_sends_nothing_a_second_time() {
    let (mut dice, seed) = dice();
    let mut stack = Stack::start(&StackOptions { seed, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    let mut tenant = Tenant::settle(&stack, 300).await.unwrap();
    let campaign = tenant.launch(Launch::to(2_000)).await.unwrap();
    let mut moment = 0;
    for _ in 0..2 {
        moment += dice.random_range(100..400);
        provider.wait_for_executed(moment, PATIENCE).await.unwrap();
        let frozen = holder(&stack).expect("somebody sends");
        stack.worker(frozen).signal("STOP").await.unwrap();
        // The other one has taken over as soon as more is executed than was on the wire.
        moment = provider.stats().await.unwrap().executed + 200;
        provider.wait_for_executed(moment, PATIENCE).await.unwrap();
        stack.worker(frozen).signal("CONT").await.unwrap();
    }
    let bounds = Bounds { unconfirmed: 2 * per_crash(300), ..Bounds::default() };
    finish(&mut stack, &tenant, &campaign, &bounds, PATIENCE).await;
}
