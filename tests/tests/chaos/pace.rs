//! The limit of a number, across everything that can happen to the workers that share it.

use std::time::Duration;

use rand::RngExt;
use tests::{
    chaos::{Bounds, Launch, Provider, Tenant, busiest_second, dice, finish, holder, per_crash},
    processes::{Stack, StackOptions},
};

const PATIENCE: Duration = Duration::from_mins(2);
const RATE: u32 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sliding_second_exceeds_the_rate() {
    let (mut dice, seed) = dice();
    let mut stack = Stack::start(&StackOptions { workers: 1, seed, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    let mut tenant = Tenant::settle(&stack, RATE).await.unwrap();
    let campaign = tenant.launch(Launch::to(3_000)).await.unwrap();
    let mut moment = 0;
    // Each step: whether a worker joins, and whether the one that sends is killed or told to stop.
    for (joins, killed) in [(true, false), (false, true), (true, false), (false, true), (false, false)] {
        moment += dice.random_range(200..500);
        provider.wait_for_executed(moment, PATIENCE).await.unwrap();
        if joins {
            stack.add_worker().await.unwrap();
        }
        let Some(place) = holder(&stack) else { continue };
        if killed {
            stack.kill_worker(place).await.unwrap();
        } else {
            stack.terminate_worker(place).await.unwrap();
        }
        stack.start_worker(place).await.unwrap();
    }
    let bounds = Bounds { unconfirmed: 2 * per_crash(RATE), ..Bounds::default() };
    let evidence = finish(&mut stack, &tenant, &campaign, &bounds, PATIENCE).await;
    let times: Vec<_> = evidence.executed.iter().map(|executed| executed.time).collect();
    let (most, at) = busiest_second(&times);
    println!("busiest second: {most} from {at:?}");
    assert!(most <= 220, "{most} messages in the second from {at:?}");
}
