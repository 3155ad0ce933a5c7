//! Workers that are told to stop.

use std::time::Duration;

use rand::RngExt;
use serde_json::json;
use tests::{
    chaos::{Bounds, Launch, Provider, Tenant, dice, finish},
    processes::{Stack, StackOptions},
};

const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_stop_leaves_no_unknown() {
    let (mut dice, seed) = dice();
    let mut stack = Stack::start(&StackOptions { seed, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    // Without statuses nothing lifts a message of unknown outcome: a single one would be seen in the end.
    provider.set_faults(json!({ "latencyMs": 300, "webhook": { "off": true } })).await.unwrap();
    let mut tenant = Tenant::settle(&stack, 250).await.unwrap();
    let campaign = tenant.launch(Launch::to(3_000)).await.unwrap();
    for round in 0..6 {
        let moment = provider.stats().await.unwrap().executed + dice.random_range(150..350);
        provider.wait_for_executed(moment, PATIENCE).await.unwrap();
        let place = round % 2;
        stack.terminate_worker(place).await.unwrap();
        stack.start_worker(place).await.unwrap();
    }
    let evidence = finish(&mut stack, &tenant, &campaign, &Bounds::default(), PATIENCE).await;
    assert_eq!(evidence.state, "completed");
    assert_eq!(provider.stats().await.unwrap().requests, 3_000, "nobody was asked twice");
}
