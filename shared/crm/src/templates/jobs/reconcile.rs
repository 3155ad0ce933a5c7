//! Has the templates of all organizations compared with the provider, because webhooks may not come.

use std::time::Duration;

use queue::{Job, JobError, Queue, System};
use serde::{Deserialize, Serialize};

use crate::templates::news;

/// Enqueues the comparison of each organization that has a connected number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconcile {}

impl Job for Reconcile {
    const KIND: &'static str = "templates.reconcile";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(2);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let mut after = None;
        loop {
            let mut tx = ctx.begin("compare the templates of all organizations with the provider").await?;
            after = news::sync_next(&mut tx, after).await?;
            ctx.progress(&mut tx).await?;
            tx.commit().await?;
            if after.is_none() || ctx.stopping() {
                return Ok(());
            }
        }
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
