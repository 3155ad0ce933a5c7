//! Keeps the partitioned ledgers ahead of time.

use std::time::Duration;

use queue::{Job, JobError, Queue, System};
use serde::{Deserialize, Serialize};

/// Makes the partitions of the campaign ledger and of the raw webhooks that will be needed next, and drops those of old webhooks.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct EnsurePartitions {}

impl Job for EnsurePartitions {
    const KIND: &'static str = "maintenance.partitions";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(1);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let mut tx = ctx.begin("make partitions").await?;
        sqlx::query!("select ensure_ledger_partitions(now())").execute(tx.conn()).await.map_err(JobError::retry)?;
        crate::webhooks::service::maintain(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
