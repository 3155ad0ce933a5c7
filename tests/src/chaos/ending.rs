//! From a running campaign to the verdict on it.

use std::time::Duration;

use super::{
    checker::{Bounds, Report, check},
    evidence::Evidence,
    journey::{Campaign, Tenant},
};
use crate::processes::Stack;

/// Intent writers of a worker, and most rows of one intent.
const WRITERS: usize = 3;
const ROWS_OF_INTENT: usize = 20;

/// Most messages that one crash can leave unknown on a number of this rate: those on the wire, and those in an intent whose commit was not
/// seen.
pub fn per_crash(messages_per_second: u32) -> usize {
    let in_flight = usize::try_from(messages_per_second / 2).unwrap_or(usize::MAX).clamp(16, 512);
    in_flight + ROWS_OF_INTENT * WRITERS
}

/// Reads both ledgers and compares them.
///
/// # Errors
/// When they cannot be read.
pub async fn verdict(stack: &mut Stack, tenant: &Tenant, campaign: &Campaign, bounds: &Bounds) -> anyhow::Result<(Evidence, Report)> {
    let evidence = Evidence::gather(stack, tenant, campaign).await?;
    let report = check(&evidence, bounds);
    println!("campaign {}: {report}", campaign.id);
    Ok((evidence, report))
}

/// Waits until the campaign has ended, and panics unless both ledgers agree that everybody was treated right.
pub async fn finish(stack: &mut Stack, tenant: &Tenant, campaign: &Campaign, bounds: &Bounds, patience: Duration) -> Evidence {
    tenant.wait_for_the_end(campaign.id, patience).await.expect("the campaign ends");
    let (evidence, report) = verdict(stack, tenant, campaign, bounds).await.expect("the ledgers can be read");
    report.assert_clean();
    evidence
}
