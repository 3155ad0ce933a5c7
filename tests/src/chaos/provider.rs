//! The provider simulator as its own interface shows it.

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    demo::client::Api,
    simulator::{LedgerEntry, Stats},
    wait::{self, Look},
};

/// The simulator of a stack.
#[derive(Debug)]
pub struct Provider(Api);

impl Provider {
    /// The simulator at this address.
    ///
    /// # Errors
    /// When there is no HTTP client.
    pub fn at(url: &str) -> anyhow::Result<Self> {
        Ok(Self(Api::new(url)?))
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.0.get(path).await
    }

    pub(super) async fn post(&self, path: &str, input: &Value) -> anyhow::Result<Value> {
        self.0.post(path, input).await
    }

    /// Its counters.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn stats(&self) -> anyhow::Result<Stats> {
        serde_json::from_value(self.0.get("/_simulator/stats").await?).context("the counters cannot be read")
    }

    /// Lays faults over those in force; `{"clear": true}` heals everything.
    ///
    /// # Errors
    /// When they are not taken.
    pub async fn set_faults(&self, patch: Value) -> anyhow::Result<()> {
        self.0.post("/_simulator/faults", &patch).await.map(drop)
    }

    /// Every executed send, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn ledger(&self) -> anyhow::Result<Vec<LedgerEntry>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            data: Vec<LedgerEntry>,
            next_cursor: Option<String>,
        }
        let mut entries = Vec::new();
        let mut path = "/_simulator/messages?limit=1000".to_owned();
        loop {
            let page: Page = serde_json::from_value(self.0.get(&path).await?).context("the ledger cannot be read")?;
            entries.extend(page.data);
            match page.next_cursor {
                Some(cursor) => path = format!("/_simulator/messages?limit=1000&after={cursor}"),
                None => return Ok(entries),
            }
        }
    }

    /// Waits until so many sends were executed.
    ///
    /// # Errors
    /// When that takes longer than `patience`.
    pub async fn wait_for_executed(&self, count: u64, patience: Duration) -> anyhow::Result<()> {
        wait::until(patience, async || {
            let executed = self.stats().await?.executed;
            Ok(if executed >= count { Look::There(()) } else { Look::NotYet(format!("only {executed} of {count} sends are executed")) })
        })
        .await
    }

    /// Waits until every status was told and answered.
    ///
    /// # Errors
    /// When that takes longer than `patience`.
    pub async fn wait_until_told(&self, patience: Duration) -> anyhow::Result<()> {
        wait::until(patience, async || {
            let pending = self.stats().await?.webhooks_pending;
            Ok(if pending == 0 { Look::There(()) } else { Look::NotYet(format!("{pending} statuses are not taken")) })
        })
        .await
    }
}
