//! Reads one template at the provider, because what is known of it may be outdated.

use std::time::Duration;

use kernel::TemplateId;
use providers::whatsapp::CloudClient;
use queue::{Enqueue, Job, JobError, Queue, Requirement, Tenant};
use serde::{Deserialize, Serialize};

use super::{
    access,
    provider::{self, Asked},
};
use crate::{
    secrets::Vault,
    templates::{
        TemplateError,
        news::{self, Look, Looked, Sight},
        service,
    },
};

/// Reads that may be overtaken by other news, one after the other.
const READS: u32 = 3;

/// Takes over how the template stands at the provider. When that cannot be read, the next comparison of all templates will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// The template.
    pub template: TemplateId,
    /// What it waited for.
    #[serde(default)]
    pub wait: Wait,
}

/// What a read waits for. Each waits beside the others: one that waits must not stand in the way of one that is wanted sooner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wait {
    /// Nothing.
    #[default]
    None,
    /// That the provider's answers no longer lag behind its news.
    Moment,
    /// That what was read before can be believed.
    Doubt,
}

impl Refresh {
    /// Reads it now.
    pub fn of(template: TemplateId) -> Self {
        Self { template, wait: Wait::None }
    }
}

impl Job for Refresh {
    const KIND: &'static str = "templates.refresh";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(1);
    const MAX_ATTEMPTS: u32 = 6;
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let client = ctx.get::<CloudClient>()?;
        for _ in 0..READS {
            let mut tx = ctx.begin().await?;
            let before = match service::get(&mut tx, self.template).await {
                Ok(template) => template,
                Err(TemplateError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(JobError::retry(error)),
            };
            tx.rollback().await?;
            let Some(token) = access::token(ctx, &before).await? else { return Ok(()) };
            let asked_at = ctx.now();
            let asked = match provider::ask(client, &token, &before).await {
                Ok(asked) => asked,
                Err(error) if error.is_retryable() => return Err(JobError::retry(error)),
                Err(error) => {
                    tracing::warn!(template.id = %before.id, %error, "template {}: not read", before.id);
                    return Ok(());
                }
            };
            let sight = match &asked {
                Asked::Unasked => return Ok(()),
                Asked::There(remote) => Sight::There(remote),
                Asked::Gone => Sight::Gone,
            };
            let mut tx = ctx.begin().await?;
            let looked = news::see(&mut tx, ctx.clock(), Look { before: &before, sight, asked_at }).await.map_err(JobError::retry)?;
            match looked {
                Looked::Overtaken => {
                    tx.rollback().await?;
                    continue;
                }
                Looked::TooYoung(until) => {
                    tx.enqueue_at(Self { template: self.template, wait: Wait::Doubt }, until).await?;
                }
                Looked::Taken(_) => {}
            }
            return Ok(tx.commit().await?);
        }
        Err(JobError::Snooze(Duration::from_secs(1)))
    }

    fn unique_key(&self) -> Option<String> {
        Some(match self.wait {
            Wait::None => self.template.to_string(),
            Wait::Moment => format!("{}:moment", self.template),
            Wait::Doubt => format!("{}:doubt", self.template),
        })
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}
