//! Deletes templates at the provider.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::TemplateId;
use providers::whatsapp::{CloudClient, GraphError, RemoteTemplate};
use queue::{Job, JobError, Queue, Requirement, Tenant, crash_point};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{access, provider};
use crate::{
    secrets::Vault,
    templates::{
        model::{Template, language_of, status},
        refusal::{self, Verdict},
        service::{self, Deleted},
    },
};

/// A submission that was under way when the template was deleted has ended by then, and what it created is listed.
const SUBMISSION_ENDS: TimeDelta = TimeDelta::minutes(3);
/// How often it is looked whether such a submission created it.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Attempts after which a template counts as deleted that the provider said to have deleted and still shows.
const BELIEVE_AFTER: u32 = 6;

/// Has the provider delete a template, or all languages of its name, and follows what it says. What is not there is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delete {
    /// The template.
    pub template: TemplateId,
    /// All languages of its name.
    #[serde(default)]
    pub whole_name: bool,
}

/// The provider shows what it said to have deleted.
#[derive(Debug, thiserror::Error)]
#[error("the provider still shows what it has deleted")]
struct StillThere;

impl Job for Delete {
    const KIND: &'static str = "templates.delete";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(2);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let client = ctx.get::<CloudClient>()?;
        let mut tx = ctx.begin().await?;
        let templates = service::deleting(&mut tx, *self).await.map_err(JobError::retry)?;
        tx.rollback().await?;
        let Some(first) = templates.first() else { return Ok(()) };
        let Some(token) = access::token(ctx, first).await? else {
            let refused = Deleted::Refused("no channel of the account is connected".into());
            return settle(ctx, templates.iter().map(|template| (template, refused.clone()))).await;
        };
        match self.delete(client, &token, &templates).await {
            Ok(remotes) => self.follow(ctx, &templates, &remotes).await,
            Err(error) => match refusal::verdict(&error, first) {
                Verdict::Later(wait) => Err(JobError::Snooze(wait)),
                Verdict::Again if ctx.attempt() < Self::MAX_ATTEMPTS => Err(JobError::retry(error)),
                Verdict::Again | Verdict::NameTaken | Verdict::Trouble(_) | Verdict::Refused { .. } => {
                    let refused = Deleted::Refused(refusal::reason_of(&error));
                    settle(ctx, templates.iter().map(|template| (template, refused.clone()))).await
                }
            },
        }
    }

    fn unique_key(&self) -> Option<String> {
        Some(format!("{} {}", self.template, self.whole_name))
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}

impl Delete {
    /// Has the provider delete what it has of them. Answers how it has each afterwards.
    async fn delete(
        &self,
        client: &CloudClient,
        token: &SecretString,
        templates: &[Template],
    ) -> Result<Vec<Option<RemoteTemplate>>, GraphError> {
        let before = look(client, token, templates).await?;
        crash_point("templates.delete.looked");
        let Some(first) = templates.first() else { return Ok(before) };
        let Some(standing) = before.iter().flatten().find(|remote| !is_leaving(remote)) else { return Ok(before) };
        let id = (!self.whole_name).then_some(standing.id.as_str());
        crash_point("templates.delete.beforeDelete");
        match client.delete_template(token, &first.business_account_id, &first.name, id).await {
            Err(error) if !error.is_unknown_object() => return Err(error),
            _ => {}
        }
        crash_point("templates.delete.deleted");
        look(client, token, templates).await
    }

    /// Writes down what became of each.
    async fn follow(&self, ctx: &Tenant, templates: &[Template], remotes: &[Option<RemoteTemplate>]) -> Result<(), JobError> {
        let mut settled = Vec::new();
        let mut goes_on = None;
        for (template, remote) in templates.iter().zip(remotes) {
            match remote {
                Some(remote) if remote.status.eq_ignore_ascii_case(status::PENDING_DELETION) => settled.push((template, Deleted::Pending)),
                Some(remote) if !is_leaving(remote) && ctx.attempt() < BELIEVE_AFTER => goes_on = Some(JobError::retry(StillThere)),
                None if template.provider_id.is_none() && ctx.now() - template.updated_at < SUBMISSION_ENDS => {
                    goes_on = goes_on.or(Some(JobError::Snooze(LOOK_AGAIN)));
                }
                _ => settled.push((template, Deleted::Gone)),
            }
        }
        settle(ctx, settled.into_iter()).await?;
        goes_on.map_or(Ok(()), Err)
    }
}

/// The templates as the provider has them, in the same order.
async fn look(client: &CloudClient, token: &SecretString, templates: &[Template]) -> Result<Vec<Option<RemoteTemplate>>, GraphError> {
    if let [template] = templates
        && let Some(id) = &template.provider_id
    {
        return match client.template(token, id).await {
            Ok(remote) => Ok(vec![Some(remote)]),
            Err(error) if error.is_unknown_object() => Ok(vec![None]),
            Err(error) => Err(error),
        };
    }
    let Some(first) = templates.first() else { return Ok(Vec::new()) };
    let listed = provider::list(client, token, &first.business_account_id, Some(&first.name)).await?;
    let of = |template: &Template| {
        let is_it = |remote: &&RemoteTemplate| remote.name == template.name && language_of(&remote.language) == template.language;
        listed.iter().find(is_it).cloned()
    };
    Ok(templates.iter().map(of).collect())
}

fn is_leaving(remote: &RemoteTemplate) -> bool {
    [status::PENDING_DELETION, status::DELETED].iter().any(|word| remote.status.eq_ignore_ascii_case(word))
}

/// Writes down what became of them, each in a transaction of its own: news of one lock the end of the audit log, and then none may wait for another template.
async fn settle(ctx: &Tenant, settled: impl Iterator<Item = (&Template, Deleted)>) -> Result<(), JobError> {
    crash_point("templates.delete.beforeRecord");
    for (template, deleted) in settled {
        let mut tx = ctx.begin().await?;
        service::delete_settled(&mut tx, ctx.clock(), template.id, &deleted).await.map_err(JobError::retry)?;
        tx.commit().await?;
    }
    crash_point("templates.delete.recorded");
    Ok(())
}
