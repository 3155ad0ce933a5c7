//! Forgets old keys.

use std::time::Duration;

use queue::{Job, JobError, Queue, System};
use serde::{Deserialize, Serialize};

use crate::idempotency::service;

/// Rows deleted in one transaction.
const BATCH: u32 = 5_000;

/// Forgets keys that need not be remembered any longer, with their answers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Purge {}

impl Job for Purge {
    const KIND: &'static str = "idempotency.purge";
    const QUEUE: Queue = Queue::Bulk;
    const TIMEOUT: Duration = Duration::from_mins(5);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        loop {
            let mut tx = ctx.begin("forget old idempotency keys").await?;
            let deleted = service::purge(&mut tx, ctx.now(), i64::from(BATCH)).await?;
            tx.commit().await?;
            if deleted < u64::from(BATCH) {
                return Ok(());
            }
            if ctx.stopping() {
                return Err(JobError::Snooze(Duration::ZERO));
            }
        }
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
