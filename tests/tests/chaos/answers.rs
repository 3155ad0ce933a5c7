//! A provider that fails late, answers unclearly, or is not there.

use std::time::Duration;

use rand::RngExt;
use serde_json::json;
use tests::{
    chaos::{Bounds, Launch, Provider, Tenant, dice, finish, per_crash},
    processes::{Stack, StackOptions},
};

const PATIENCE: Duration = Duration::from_mins(2);
const FAILED: i16 = 7;
const UNCONFIRMED: i16 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asynchronous_failure_leads_to_no_second_request() {
    let mut stack = Stack::start(&StackOptions::default()).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    provider.set_faults(json!({ "webhook": { "failedShare": 0.2, "failedCode": 131_049 } })).await.unwrap();
    let mut tenant = Tenant::settle(&stack, 500).await.unwrap();
    let campaign = tenant.launch(Launch::to(1_000)).await.unwrap();
    let evidence = finish(&mut stack, &tenant, &campaign, &Bounds::default(), PATIENCE).await;
    let failed = evidence.count(&[FAILED]);
    assert!((100..300).contains(&failed), "{failed} rows failed, about 200 were told to");
    assert_eq!(provider.stats().await.unwrap().requests, 1_000, "one request for each person");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ambiguous_answer_is_not_resent() {
    let mut stack = Stack::start(&StackOptions::default()).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    let mut tenant = Tenant::settle(&stack, 500).await.unwrap();
    provider.set_faults(json!({ "executedButCutShare": 0.02, "serverErrorShare": 0.02 })).await.unwrap();
    let campaign = tenant.launch(Launch::to(2_000)).await.unwrap();
    let bounds = Bounds { unconfirmed: 2_000, ..Bounds::default() };
    let evidence = finish(&mut stack, &tenant, &campaign, &bounds, PATIENCE).await;
    let stats = provider.stats().await.unwrap();
    assert!(stats.cut > 0 && stats.server_errors > 0, "{stats:?}");
    assert_eq!(stats.requests, 2_000, "one request for each person");
    let unconfirmed = u64::try_from(evidence.count(&[UNCONFIRMED])).unwrap();
    assert_eq!(unconfirmed, stats.server_errors, "what was not executed stays unconfirmed, what was executed is lifted by its statuses");
    assert_eq!(evidence.state, "completedWithErrors");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_outage_loses_nobody() {
    let (mut dice, seed) = dice();
    let mut stack = Stack::start(&StackOptions { seed, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    let mut tenant = Tenant::settle(&stack, 300).await.unwrap();
    let campaign = tenant.launch(Launch::to(2_000)).await.unwrap();
    provider.wait_for_executed(dice.random_range(300..1_500), PATIENCE).await.unwrap();
    provider.set_faults(json!({ "refuseForMs": 10_000 })).await.unwrap();
    // Requests that were written when the port closed may have no answer.
    let bounds = Bounds { unconfirmed: per_crash(300), ..Bounds::default() };
    finish(&mut stack, &tenant, &campaign, &bounds, PATIENCE).await;
}
