//! Pauses the campaigns of an organization that was deactivated.

use std::time::Duration;

use chrono::{DateTime, Utc};
use queue::{Job, JobError, Queue, Tenant};
use serde::{Deserialize, Serialize};

use crate::campaigns::service;

/// Pauses what was under way at the deactivation, with a reason that people see. It stays so when the organization is active again, until
/// somebody resumes it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PauseDeactivated {
    /// When the organization was deactivated.
    pub since: DateTime<Utc>,
}

impl Job for PauseDeactivated {
    const KIND: &'static str = "campaigns.pauseDeactivated";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(1);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let mut tx = ctx.begin().await?;
        let paused = service::pause_deactivated(&mut tx, ctx.clock(), self.since).await.map_err(JobError::retry)?;
        tx.commit().await?;
        tracing::info!(organization.id = %ctx.organization(), campaigns = paused, "a deactivated organization: {paused} campaigns are paused");
        Ok(())
    }
}
