//! Campaigns whose template the provider takes away while they are sent, and gives back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{
    chaos::{Bounds, Campaign, Launch, Provider, Tenant, dice, finish},
    processes::{Stack, StackOptions},
    wait::{self, Look},
};

const PATIENCE: Duration = Duration::from_secs(45);
const PEOPLE: usize = 2_000;
const RATE: u32 = 300;
/// At how many sends the provider changes its mind.
const MOMENT: u64 = 800;
/// How soon after the provider's word the last request may be written.
const SOON: Duration = Duration::from_secs(1);
/// How long a campaign that stands still is watched.
const WATCHED: Duration = Duration::from_secs(2);
/// Most requests that can be under way on a number of this rate.
const IN_FLIGHT: u64 = RATE as u64 / 2;
/// The template of `Tenant::settle`.
const TEMPLATE: &str = "chaos_offer";

/// Waits until the campaign stands still, watches it for a while, and answers its figures and how long after `since` the provider got the
/// last request.
async fn stands_still(provider: &Provider, tenant: &Tenant, campaign: &Campaign, since: Instant) -> (Value, Duration) {
    let (mut requests, mut last_write) = (0, Duration::ZERO);
    let mut still_since = None;
    let figures = wait::until(PATIENCE, async || {
        let now = provider.stats().await?.requests;
        if now != requests {
            (requests, last_write) = (now, since.elapsed());
            still_since = None;
        }
        let figures = tenant.analytics(campaign.id).await?;
        if figures["state"] != "paused" || figures["inFlight"] != 0 {
            still_since = None;
            return Ok(Look::NotYet(format!("it does not stand still: {figures}")));
        }
        let since = still_since.get_or_insert_with(Instant::now);
        Ok(if since.elapsed() > WATCHED { Look::There(figures) } else { Look::NotYet("it is being watched".into()) })
    })
    .await
    .unwrap();
    println!("the last request came {last_write:?} after the provider's word; {}", figures["stateReason"]);
    (figures, last_write)
}

/// Two workers, in the middle of a campaign.
async fn under_way(faults: Value, reconcile: &str) -> (Stack, Provider, Tenant, Campaign) {
    let (_, seed) = dice();
    let settings = vec![("TEMPLATES__RECONCILE", reconcile.to_owned())];
    let stack = Stack::start(&StackOptions { seed, settings, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    // There is always something on the wire, which the provider judges when it has arrived.
    provider.set_faults(json!({ "reviewDelayMs": 100, "latencyMs": 200 })).await.unwrap();
    provider.set_faults(faults).await.unwrap();
    let mut tenant = Tenant::settle(&stack, RATE).await.unwrap();
    let campaign = tenant.launch(Launch::to(PEOPLE)).await.unwrap();
    provider.wait_for_executed(MOMENT, PATIENCE).await.unwrap();
    (stack, provider, tenant, campaign)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_whose_template_is_paused_waits_and_goes_on_by_itself() {
    let (mut stack, provider, tenant, campaign) = under_way(json!({}), "0 0 * * * *").await;
    let paused = Instant::now();
    provider.review(TEMPLATE, &json!({ "action": "pause" })).await.unwrap();
    let (figures, last_write) = stands_still(&provider, &tenant, &campaign, paused).await;
    assert!(last_write <= SOON, "the last request came {last_write:?} after the pause");
    assert!(figures["acceptedOrBetter"].as_u64().is_some_and(|sent| (MOMENT..PEOPLE as u64).contains(&sent)), "{figures}");
    assert_eq!(tenant.template(tenant.template_id()).await.unwrap()["status"], "PAUSED");
    // Whoever sent may be gone when it goes on.
    stack.kill_worker(0).await.unwrap();
    provider.review(TEMPLATE, &json!({ "action": "approve" })).await.unwrap();
    let evidence = finish(&mut stack, &tenant, &campaign, &Bounds::default(), PATIENCE).await;
    assert_eq!((evidence.state.as_str(), evidence.executed.len()), ("completed", PEOPLE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_webhooks_a_refusal_tells_of_the_pause_and_the_next_look_of_its_end() {
    let faults = json!({ "webhook": { "off": true } });
    let (mut stack, provider, tenant, campaign) = under_way(faults, "*/3 * * * * *").await;
    let paused = Instant::now();
    provider.review(TEMPLATE, &json!({ "action": "pause" })).await.unwrap();
    let (_, last_write) = stands_still(&provider, &tenant, &campaign, paused).await;
    assert!(last_write <= SOON, "the last request came {last_write:?} after the pause");
    let refused = provider.stats().await.unwrap().rejected.get(&132_015).copied().unwrap_or(0);
    println!("{refused} requests were refused");
    assert!((1..=IN_FLIGHT).contains(&refused), "{refused} requests were refused before the stop");
    provider.review(TEMPLATE, &json!({ "action": "approve" })).await.unwrap();
    let evidence = finish(&mut stack, &tenant, &campaign, &Bounds::default(), PATIENCE).await;
    assert_eq!((evidence.state.as_str(), evidence.executed.len()), ("completed", PEOPLE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_whose_template_costs_something_else_waits_for_a_person() {
    let (mut stack, provider, tenant, campaign) = under_way(json!({}), "0 0 * * * *").await;
    let changed = Instant::now();
    // The provider goes on accepting: only its webhook tells.
    provider.review(TEMPLATE, &json!({ "action": "recategorize", "category": "UTILITY" })).await.unwrap();
    let (figures, last_write) = stands_still(&provider, &tenant, &campaign, changed).await;
    assert!(last_write <= SOON, "the last request came {last_write:?} after the change");
    assert_eq!(figures["stateReason"], "templateCategory:UTILITY");
    assert!(figures["acceptedOrBetter"].as_u64().is_some_and(|sent| sent < PEOPLE as u64), "{figures}");
    tenant.act(campaign.id, "resume").await.unwrap();
    let evidence = finish(&mut stack, &tenant, &campaign, &Bounds::default(), PATIENCE).await;
    assert_eq!((evidence.state.as_str(), evidence.executed.len()), ("completed", PEOPLE));
}
