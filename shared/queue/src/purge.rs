//! Removes finished jobs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Job, JobError, Queue, System};

/// Rows deleted in one transaction.
const BATCH: i64 = 5000;

/// Deletes jobs that were done or discarded more than `keep_days` days ago. Dead ones stay until an operator decides.
#[derive(Debug, Serialize, Deserialize)]
pub struct Purge {
    /// Days for which a finished job stays visible.
    pub keep_days: u32,
}

impl Job for Purge {
    const KIND: &'static str = "jobs.purge";
    const QUEUE: Queue = Queue::Bulk;
    const TIMEOUT: Duration = Duration::from_mins(5);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        loop {
            let mut tx = ctx.begin("purge finished jobs").await?;
            let deleted = sqlx::query!(
                "delete from jobs
                 where id in (
                     select id
                     from jobs
                     where state in ('done', 'discarded') and finished_at < now() - make_interval(days => $1)
                     limit $2
                     for update skip locked
                 )",
                i32::try_from(self.keep_days).unwrap_or(i32::MAX),
                BATCH,
            )
            .execute(tx.conn())
            .await
            .map_err(JobError::retry)?
            .rows_affected();
            tx.commit().await?;
            if deleted < u64::try_from(BATCH).unwrap_or(u64::MAX) {
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
