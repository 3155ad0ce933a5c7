//! Looks at a template under review until the provider has decided: webhooks are faster when they come, and may not come.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::TemplateId;
use providers::whatsapp::CloudClient;
use queue::{Job, JobError, Queue, Requirement, Tenant};
use serde::{Deserialize, Serialize};

use super::provider;
use crate::{
    secrets::Vault,
    templates::{
        TemplateError,
        model::{Source, StatusUpdate, TemplateKey, status},
        news, service,
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
        let Some(provider_id) = template.provider_id.as_deref() else { return Ok(()) };
        let waited = ctx.now() - template.submitted_at.unwrap_or(template.updated_at);
        let Some(token) = provider::token(ctx, template.channel).await? else { return Ok(()) };
        let (told, reason, category, quality) = match client.template(&token, provider_id).await {
            Ok(remote) => (remote.status, remote.rejected_reason, remote.category, remote.quality_score.map(|quality| quality.score)),
            Err(error) if error.refusal().is_some_and(|refusal| refusal.http_status == 404) => {
                (status::DELETED.to_owned(), Some("the provider has it no more".to_owned()), None, None)
            }
            // Whatever is wrong with token or provider: looking again later is all that can be done.
            Err(error) => {
                tracing::debug!(template.id = %template.id, %error, "template {}: not read", template.id);
                return wait(waited);
            }
        };
        let mut tx = ctx.begin().await?;
        let update = StatusUpdate {
            key: TemplateKey { provider_id, business_account_id: None, name: None, language: None },
            status: &told,
            reason: reason.as_deref(),
            category: category.as_deref(),
            quality: quality.as_deref(),
            source: Source::Reconcile,
        };
        news::apply_status_update(&mut tx, ctx.clock(), update).await.map_err(JobError::retry)?;
        tx.commit().await?;
        if told.eq_ignore_ascii_case(status::PENDING) || told.eq_ignore_ascii_case(status::IN_APPEAL) { wait(waited) } else { Ok(()) }
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.template.to_string())
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}

/// Comes back after a fifth of the time already waited.
fn wait(waited: TimeDelta) -> Result<(), JobError> {
    if waited > GIVE_UP_AFTER {
        return Ok(());
    }
    let seconds = (waited.num_seconds() / 5).clamp(*WAIT_S.start(), *WAIT_S.end());
    Err(JobError::Snooze(Duration::from_secs(seconds.unsigned_abs())))
}
