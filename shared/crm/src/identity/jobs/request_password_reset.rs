//! Answers who forgot a password.

use std::time::Duration;

use kernel::PasswordResetRequestId;
use queue::{Job, JobError, Queue, Requirement, System};
use serde::{Deserialize, Serialize};

use crate::identity::{OneTimeKeys, recovery};

/// Finds out whose address it is, and has the link mailed if it is anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestPasswordReset {
    /// The request.
    pub request: PasswordResetRequestId,
}

impl Job for RequestPasswordReset {
    const KIND: &'static str = "identity.requestPasswordReset";
    const QUEUE: Queue = Queue::Mail;
    const TIMEOUT: Duration = Duration::from_secs(30);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let keys = ctx.get::<OneTimeKeys>()?;
        let mut tx = ctx.db().identity("answer who forgot a password").await?;
        recovery::answer_request(&mut tx, ctx.now(), keys, self.request).await?;
        tx.commit().await?;
        Ok(())
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<OneTimeKeys>()]
    }
}
