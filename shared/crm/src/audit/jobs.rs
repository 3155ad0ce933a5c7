//! Puts the heads of all chains into the logs.

use std::time::Duration;

use kernel::OrganizationId;
use queue::{Job, JobError, Queue, System};
use serde::{Deserialize, Serialize};

use super::service;

/// Heads read at a time.
const PAGE: i64 = 500;

/// Writes the newest link of every chain to the logs, which are shipped elsewhere: `api verify-audit --anchors` compares with them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Anchor {}

impl Job for Anchor {
    const KIND: &'static str = "audit.anchor";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(5);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let mut after: Option<OrganizationId> = None;
        loop {
            let mut tx = ctx.begin("anchor the audit log").await?;
            let heads = service::heads(&mut tx, after, PAGE).await.map_err(JobError::retry)?;
            tx.rollback().await?;
            for head in &heads {
                tracing::info!(audit.organization = %head.organization, audit.seq = head.link.seq, audit.hash = %head.link.hash, "{head}");
            }
            match heads.last() {
                Some(last) => after = Some(last.organization),
                None => return Ok(()),
            }
        }
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
