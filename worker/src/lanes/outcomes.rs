//! Outcome writers: outcomes of all lanes of the worker are stored together, and again until they are stored.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crm::campaigns::ledger::{self, OutcomeRow};
use tokio::time::Instant;

use super::{Sending, lane::LaneShared, run::ChunkTicket};

/// Most outcomes of one statement.
const BATCH: usize = 500;
/// How long a batch waits for more.
const WAIT: Duration = Duration::from_millis(10);
/// How long a batch waits while it is small: at a low rate a statement costs more than the wait.
const WAIT_SMALL: Duration = Duration::from_millis(50);
/// What small means.
const SMALL: usize = 20;

/// An outcome, with what must know that it is stored.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) row: OutcomeRow,
    pub(crate) lane: Arc<LaneShared>,
    /// Kept until the outcome is stored: its end is the message.
    pub(crate) ticket: Option<ChunkTicket>,
}

/// Stores outcomes until the channel closes and is empty.
pub(crate) async fn write_outcomes(sending: Arc<Sending>, outcomes: async_channel::Receiver<Settled>) {
    while let Ok(first) = outcomes.recv().await {
        let batch = gather(first, &outcomes).await;
        store(&sending, batch).await;
    }
}

async fn gather(first: Settled, outcomes: &async_channel::Receiver<Settled>) -> Vec<Settled> {
    let begin = Instant::now();
    let mut batch = vec![first];
    while batch.len() < BATCH {
        if let Ok(next) = outcomes.try_recv() {
            batch.push(next);
            continue;
        }
        let end = begin + if batch.len() < SMALL { WAIT_SMALL } else { WAIT };
        match tokio::time::timeout_at(end, outcomes.recv()).await {
            Ok(Ok(next)) => batch.push(next),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    batch
}

async fn store(sending: &Sending, batch: Vec<Settled>) {
    let (rows, lanes): (Vec<OutcomeRow>, Vec<_>) = batch.into_iter().map(|settled| (settled.row, (settled.lane, settled.ticket))).unzip();
    let mut wait = Duration::from_millis(20);
    loop {
        match ledger::record(&sending.pool, &rows).await {
            Ok(_) => break,
            Err(error) if error.is_conflict() => {}
            Err(error) => {
                tracing::warn!(%error, outcomes = rows.len(), "outcomes could not be stored; trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(1));
            }
        }
    }
    metrics::counter!("campaign_outcomes_total").increment(rows.len() as u64);
    metrics::histogram!("campaign_outcome_batch_rows").record(f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX)));
    for (lane, ticket) in lanes {
        drop(ticket);
        if lane.unstored.fetch_sub(1, Ordering::Relaxed) == 1 {
            lane.stored.notify_one();
        }
    }
}
