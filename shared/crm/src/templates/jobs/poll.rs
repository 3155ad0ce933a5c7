//! Looks at a template under review until the provider has decided: webhooks are faster when they come, and may not come.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::TemplateId;
use providers::whatsapp::CloudClient;
use queue::{Job, JobError, Queue, Requirement, Tenant};
use serde::{Deserialize, Serialize};

use super::{
    access,
    provider::{self, Asked},
};
use crate::{
    secrets::Vault,
    templates::{
        TemplateError,
        model::status,
        news::{self, Look, Looked, Sight},
        service,
    },
};

/// Shortest and longest wait between two looks.
const WAIT_S: std::ops::RangeInclusive<i64> = 2..=300;
/// A review takes a day at most; after a month nobody waits any more.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(30);

/// Takes the provider's word over, and comes back while there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// The template.
    pub template: TemplateId,
}

impl Job for Poll {
    const KIND: &'static str = "templates.poll";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(1);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let client = ctx.get::<CloudClient>()?;
        let mut tx = ctx.begin().await?;
        let template = match service::get(&mut tx, self.template).await {
            Ok(template) if template.is_under_review() => template,
            Ok(_) | Err(TemplateError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(JobError::retry(error)),
        };
        tx.rollback().await?;
        let waited = ctx.now() - template.submitted_at.unwrap_or(template.updated_at);
        let Some(token) = access::token(ctx, &template).await? else { return Ok(()) };
        let asked_at = ctx.now();
        let asked = match provider::ask(client, &token, &template).await {
            Ok(asked) => asked,
            // Whatever is wrong with token or provider: looking again later is all that can be done.
            Err(error) => {
                tracing::debug!(template.id = %template.id, %error, "template {}: not read", template.id);
                return wait(waited);
            }
        };
        let sight = match &asked {
            Asked::Unasked => return Ok(()),
            Asked::There(remote) if is_under_review(&remote.status) => return wait(waited),
            Asked::There(remote) => Sight::There(remote),
            Asked::Gone => Sight::Gone,
        };
        let mut tx = ctx.begin().await?;
        let look = Look { before: &template, sight, asked_at };
        match news::see(&mut tx, ctx.clock(), look).await.map_err(JobError::retry)? {
            Looked::Overtaken | Looked::TooYoung(_) => wait(waited),
            Looked::Taken(_) => Ok(tx.commit().await?),
        }
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.template.to_string())
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}

fn is_under_review(word: &str) -> bool {
    word.eq_ignore_ascii_case(status::PENDING) || word.eq_ignore_ascii_case(status::IN_APPEAL)
}

/// Comes back after a fifth of the time already waited.
fn wait(waited: TimeDelta) -> Result<(), JobError> {
    if waited > GIVE_UP_AFTER {
        return Ok(());
    }
    let seconds = (waited.num_seconds() / 5).clamp(*WAIT_S.start(), *WAIT_S.end());
    Err(JobError::Snooze(Duration::from_secs(seconds.unsigned_abs())))
}
