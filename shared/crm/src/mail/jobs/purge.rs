//! Removes old mails from the ledger.

use std::time::Duration;

use chrono::TimeDelta;
use queue::{Job, JobError, Queue, System};
use serde::{Deserialize, Serialize};

use crate::mail::store;

/// Rows deleted in one transaction.
const BATCH: i64 = 5000;

/// Deletes mails that were written more than `keep_days` days ago, whatever became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Days for which a mail stays visible.
    pub keep_days: u32,
}

impl Job for Purge {
    const KIND: &'static str = "mail.purge";
    const QUEUE: Queue = Queue::Bulk;
    const TIMEOUT: Duration = Duration::from_mins(5);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let before = ctx.now() - TimeDelta::days(self.keep_days.into());
        loop {
            let mut tx = ctx.begin("purge old mails").await?;
            let deleted = store::delete_before(&mut tx, before, BATCH).await?;
            tx.commit().await?;
            if deleted < BATCH.unsigned_abs() {
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
