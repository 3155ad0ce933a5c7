//! How soon what the provider decides about a template is seen, with its webhooks and without.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{
    chaos::{Provider, TemplateText, Tenant},
    processes::{Stack, StackOptions},
    wait::{self, Look},
};

const PATIENCE: Duration = Duration::from_secs(30);
/// From the webhook to the answer of a `GET`.
const SOON: Duration = Duration::from_secs(2);
/// Between two looks at the provider, and how long one may take on a busy machine.
const PERIOD: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_secs(2);
const EVERY_PERIOD: &str = "*/3 * * * * *";
const NEVER: &str = "0 0 1 1 *";

async fn installation(reconcile: &str, faults: Value) -> (Stack, Provider, Tenant) {
    let settings = vec![("TEMPLATES__RECONCILE", reconcile.to_owned())];
    let stack = Stack::start(&StackOptions { workers: 1, settings, ..StackOptions::default() }).await.unwrap();
    let provider = Provider::at(&stack.simulator_url()).unwrap();
    provider.set_faults(faults).await.unwrap();
    let tenant = Tenant::settle(&stack, 100).await.unwrap();
    (stack, provider, tenant)
}

/// Makes the provider decide, and answers after which time our side shows `status`, and who told it.
async fn seen_after(provider: &Provider, tenant: &Tenant, template: &str, name: &str, action: &str, status: &str) -> (Duration, Value) {
    let decided = Instant::now();
    provider.review(name, &json!({ "action": action })).await.unwrap();
    let ours = wait::until(PATIENCE, async || {
        let ours = tenant.template(template).await?;
        Ok(if ours["status"] == status { Look::There(ours) } else { Look::NotYet(format!("it is {}", ours["status"])) })
    })
    .await
    .unwrap();
    let after = decided.elapsed();
    let source = ours["history"].as_array().and_then(|history| history.last()).map(|event| event["source"].clone()).unwrap_or_default();
    println!("{action}: seen after {after:?}, told by {source}");
    (after, source)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_seen_within_two_seconds_of_its_webhook() {
    let (_stack, provider, tenant) = installation(NEVER, json!({ "reviewDelayMs": 100 })).await;
    provider.set_faults(json!({ "reviewOff": true })).await.unwrap();
    for round in 0..3 {
        let name = format!("opening_{round}");
        let template = tenant.draft(TemplateText { name: &name, body: "The bakery opens at seven." }).await.unwrap();
        tenant.submit(&template).await.unwrap();
        tenant.wait_for_template(&template, |template| template["status"] == "PENDING").await.unwrap();
        let (after, _) = seen_after(&provider, &tenant, &template, &name, "approve", "APPROVED").await;
        assert!(after <= SOON, "the approval was seen after {after:?}");
        // Nobody looks at a template that is not under review: only the webhook can tell.
        for (action, status) in [("pause", "PAUSED"), ("approve", "APPROVED")] {
            let (after, source) = seen_after(&provider, &tenant, &template, &name, action, status).await;
            assert!(after <= SOON, "{action} was seen after {after:?}");
            assert_eq!(source, "webhook");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_webhooks_a_decision_is_seen_within_one_period() {
    let (_stack, provider, tenant) = installation(EVERY_PERIOD, json!({ "reviewDelayMs": 100, "webhook": { "off": true } })).await;
    let (template, name) = (tenant.template_id().to_owned(), "chaos_offer");
    for (action, status) in [("pause", "PAUSED"), ("approve", "APPROVED"), ("disable", "DISABLED")] {
        let (after, source) = seen_after(&provider, &tenant, &template, name, action, status).await;
        assert!(after <= PERIOD + LOOK, "{action} was seen after {after:?}");
        assert_eq!(source, "reconcile");
    }
}
