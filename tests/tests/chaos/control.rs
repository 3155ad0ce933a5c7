//! Campaigns that are stopped by people, or by what the provider says.

use std::time::{Duration, Instant};

use rand::RngExt;
use serde_json::json;
use tests::{
    chaos::{Bounds, Launch, Provider, Tenant, dice, finish},
    processes::{Stack, StackOptions},
};

const PATIENCE: Duration = Duration::from_mins(2);
const RATE: u32 = 400;
const CANCELLED: i16 = 21;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_campaign_stops_within_a_second_and_resumes_to_the_end() {
    let (mut dice, seed) = dice();
    let mut stack = Stack::start(&StackOptions { seed, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    let mut tenant = Tenant::settle(&stack, RATE).await.unwrap();
    let campaign = tenant.launch(Launch::to(2_500)).await.unwrap();
    let mut moment = 0;
    for _ in 0..3 {
        moment += dice.random_range(100..600);
        provider.wait_for_executed(moment, PATIENCE).await.unwrap();
        tenant.act(campaign.id, "pause").await.unwrap();
        let paused = Instant::now();
        // The claimed rows go back or settle, and from then on the figures stand still.
        let figures = tenant.wait(campaign.id, PATIENCE, |figures| figures["inFlight"] == 0).await.unwrap();
        let stopped_after = paused.elapsed();
        assert_eq!(figures["state"], "paused");
        let executed = provider.stats().await.unwrap().executed;
        tokio::time::sleep(Duration::from_secs(1).saturating_sub(paused.elapsed())).await;
        assert_eq!(provider.stats().await.unwrap().executed, executed, "messages went out after the stop");
        assert!(stopped_after < Duration::from_secs(1), "the stop took {stopped_after:?}");
        tenant.act(campaign.id, "resume").await.unwrap();
        moment = executed;
    }
    finish(&mut stack, &tenant, &campaign, &Bounds::default(), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_campaign_adds_up() {
    let (mut dice, seed) = dice();
    let mut stack = Stack::start(&StackOptions { seed, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    let mut tenant = Tenant::settle(&stack, RATE).await.unwrap();
    let campaign = tenant.launch(Launch::to(2_500)).await.unwrap();
    provider.wait_for_executed(dice.random_range(100..1_500), PATIENCE).await.unwrap();
    tenant.act(campaign.id, "cancel").await.unwrap();
    let bounds = Bounds { ends: &["cancelled"], ..Bounds::default() };
    let evidence = finish(&mut stack, &tenant, &campaign, &bounds, PATIENCE).await;
    assert_eq!(evidence.count(&[CANCELLED]) + evidence.executed.len(), 2_500);
    assert!(evidence.count(&[CANCELLED]) > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_pauses_the_campaign_and_a_good_one_ends_it() {
    let (_, seed) = dice();
    let mut stack = Stack::start(&StackOptions { seed, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    let mut tenant = Tenant::settle(&stack, RATE).await.unwrap();
    let campaign = tenant.launch(Launch::to(1_000)).await.unwrap();
    provider.wait_for_executed(500, PATIENCE).await.unwrap();
    provider.set_faults(json!({ "tokenExpired": true })).await.unwrap();
    let begun = Instant::now();
    let figures = tenant.wait(campaign.id, PATIENCE, |figures| figures["state"] == "paused").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "the pause took {:?}", begun.elapsed());
    assert!(figures["stateReason"].as_str().is_some_and(|reason| reason.contains("190")), "{figures}");
    tenant.wait(campaign.id, PATIENCE, |figures| figures["inFlight"] == 0).await.unwrap();
    let wasted = provider.stats().await.unwrap().rejected.get(&190).copied().unwrap_or(0);
    println!("{wasted} requests were refused");
    assert!((1..=60).contains(&wasted), "{wasted} requests were refused before the pause");
    provider.set_faults(json!({ "tokenExpired": false })).await.unwrap();
    tenant.act(campaign.id, "resume").await.unwrap();
    let evidence = finish(&mut stack, &tenant, &campaign, &Bounds::default(), PATIENCE).await;
    assert_eq!(evidence.executed.len(), 1_000);
}
