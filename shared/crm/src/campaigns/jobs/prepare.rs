//! Freezes a launched campaign and sets it running.

use std::time::Duration;

use kernel::CampaignId;
use queue::{Job, JobError, Queue, Requirement, Tenant};
use serde::{Deserialize, Serialize};

use crate::campaigns::{
    CampaignError, Settings,
    service::{self, Prepared},
};

/// Freezes the audience in one transaction, brings the statistics up to date, then lets the lane send. A crash in between goes on where it stopped.
#[derive(Debug, Serialize, Deserialize)]
pub struct Prepare {
    /// The campaign.
    pub campaign: CampaignId,
}

impl Job for Prepare {
    const KIND: &'static str = "campaigns.prepare";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(15);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let settings = *ctx.get::<Settings>()?;
        let mut tx = ctx.begin().await?;
        let prepared = service::prepare(&mut tx, ctx.clock(), settings, self.campaign).await.map_err(retry)?;
        if prepared == Prepared::CalledOff {
            tx.rollback().await?;
            return Ok(());
        }
        ctx.progress(&mut tx).await?;
        tx.commit().await?;
        if prepared == Prepared::NothingToDo {
            return Ok(());
        }
        let mut tx = ctx.begin().await?;
        service::analyze_ledger(&mut tx, self.campaign).await?;
        tx.commit().await?;
        let mut tx = ctx.begin().await?;
        service::start(&mut tx, ctx.clock(), self.campaign).await.map_err(retry)?;
        tx.commit().await?;
        Ok(())
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<Settings>()]
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.campaign.to_string())
    }
}

fn retry(error: CampaignError) -> JobError {
    match error {
        CampaignError::Store(error) => JobError::retry(error),
        other => JobError::fail(other),
    }
}
