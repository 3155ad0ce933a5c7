//! Counters since the start of the simulator.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

/// A counter that many tasks raise.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Raises it by `n`; the value before is returned.
    pub(crate) fn add(&self, n: u64) -> u64 {
        self.0.fetch_add(n, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The running counters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: Counter,
    pub(crate) accepted: Counter,
    pub(crate) cut: Counter,
    pub(crate) server_errors: Counter,
    pub(crate) refused_by_outage: Counter,
    pub(crate) inbound: Counter,
    pub(crate) statuses: Counter,
    pub(crate) statuses_dropped: Counter,
    pub(crate) webhooks_delivered: Counter,
    pub(crate) webhooks_failed: Counter,
    pub(crate) webhooks_abandoned: Counter,
    rejected: Mutex<BTreeMap<i32, u64>>,
}

/// Counters at one moment. All but `executed` count from the start of the simulator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Sends that arrived.
    pub requests: u64,
    /// Sends answered 200.
    pub accepted: u64,
    /// Sends in the ledger, earlier starts included.
    pub executed: u64,
    /// Executed sends whose connection was closed without an answer.
    pub cut: u64,
    /// Sends answered with HTML and 500, executed or not.
    pub server_errors: u64,
    /// Requests whose connection an outage closed.
    pub refused_by_outage: u64,
    /// Refused requests by error code.
    pub rejected: BTreeMap<i32, u64>,
    /// Messages customers were made to write.
    pub inbound: u64,
    /// Statuses put in line, duplicates included.
    pub statuses: u64,
    /// Statuses given up because too many waited.
    pub statuses_dropped: u64,
    /// POSTs answered 200.
    pub webhooks_delivered: u64,
    /// POSTs not answered 200; each is tried again.
    pub webhooks_failed: u64,
    /// POSTs given up after ten minutes.
    pub webhooks_abandoned: u64,
    /// Statuses and other events not told yet, those in POSTs under way or to be tried again included.
    pub webhooks_pending: u64,
}

impl Counters {
    /// Counts a refusal.
    pub(crate) fn reject(&self, code: i32) {
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    /// The counters now; the two that live elsewhere are given.
    pub(crate) fn snapshot(&self, executed: u64, webhooks_pending: u64) -> Stats {
        Stats {
            requests: self.requests.get(),
            accepted: self.accepted.get(),
            executed,
            cut: self.cut.get(),
            server_errors: self.server_errors.get(),
            refused_by_outage: self.refused_by_outage.get(),
            rejected: self.rejected.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            inbound: self.inbound.get(),
            statuses: self.statuses.get(),
            statuses_dropped: self.statuses_dropped.get(),
            webhooks_delivered: self.webhooks_delivered.get(),
            webhooks_failed: self.webhooks_failed.get(),
            webhooks_abandoned: self.webhooks_abandoned.get(),
            webhooks_pending,
        }
    }
}
