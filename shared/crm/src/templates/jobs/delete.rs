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
        likeness::says_the_same,
        model::{Template, language_of, status},
        refusal::{self, Verdict},
        service::{self, Deleted, Doomed},
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
        let doomed = service::deleting(&mut tx, *self).await.map_err(JobError::retry)?;
        tx.rollback().await?;
        let Some(first) = doomed.first() else { return Ok(()) };
        let Some(token) = access::token(ctx, &first.template).await? else {
            let refused = Deleted::Refused("no channel of the account is connected".into());
            for one in &doomed {
                settle(ctx, &one.template, &refused).await?;
            }
            return Ok(());
        };
        let errand = Errand { ctx, client, token: &token };
        if self.whole_name && ctx.attempt() == 1 {
            // One that is refused is deleted by its id, and hears why.
            errand.delete_name(&doomed).await.or_else(|hindrance| errand.hindered(hindrance, &first.template).map(|_| ()))?;
        }
        let mut goes_on = None;
        for one in &doomed {
            let deleted = match errand.delete(one).await {
                Ok(deleted) => Ok(deleted),
                Err(hindrance) => errand.hindered(hindrance, &one.template),
            };
            match deleted {
                Ok(deleted) => settle(ctx, &one.template, &deleted).await?,
                // The others are not to wait for this one.
                Err(error) => goes_on = goes_on.or(Some(error)),
            }
        }
        goes_on.map_or(Ok(()), Err)
    }

    fn unique_key(&self) -> Option<String> {
        Some(format!("{} {}", self.template, self.whole_name))
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}

/// Why it is not known yet what became of a template.
enum Hindrance {
    /// How the job goes on.
    Job(JobError),
    /// What the provider answered.
    Graph(GraphError),
}

impl From<GraphError> for Hindrance {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

/// One run with what it needs.
struct Errand<'a> {
    ctx: &'a Tenant,
    client: &'a CloudClient,
    token: &'a SecretString,
}

impl Errand<'_> {
    /// Deletes the name at the provider, in all languages, when it has some that are not known here and nothing here is to stay.
    ///
    /// A name alone also takes along what was created under it since, so only the first attempt uses it: from then on each template is deleted by
    /// its id.
    async fn delete_name(&self, doomed: &[Doomed]) -> Result<(), Hindrance> {
        let Some(Doomed { template: first, .. }) = doomed.first() else { return Ok(()) };
        let listed = provider::list(self.client, self.token, &first.business_account_id, Some(&first.name)).await?;
        let is_ours = |remote: &RemoteTemplate| doomed.iter().any(|one| is_it(one, remote));
        if !listed.iter().any(|remote| remote.name == first.name && !is_leaving(remote) && !is_ours(remote)) {
            return Ok(());
        }
        // A row whose name somebody else has at the provider, in its language, is not what was asked to be deleted.
        let stranger = |remote: &RemoteTemplate| {
            let taken = |one: &Doomed| remote.name == first.name && language_of(&remote.language) == one.template.language;
            doomed.iter().any(|one| taken(one) && !is_it(one, remote))
        };
        let mut tx = self.ctx.begin().await.map_err(|error| Hindrance::Job(error.into()))?;
        let free = service::is_name_free_of_others(&mut tx, first).await.map_err(|error| Hindrance::Job(JobError::retry(error)))?;
        tx.rollback().await.map_err(|error| Hindrance::Job(error.into()))?;
        if !free || listed.iter().any(stranger) {
            return Ok(());
        }
        self.ask_to_delete(first, None).await
    }

    /// Has the provider delete what it has of one. Answers what became of it.
    async fn delete(&self, doomed: &Doomed) -> Result<Deleted, Hindrance> {
        let template = &doomed.template;
        if template.provider_id.is_none() && doomed.offered.is_empty() {
            // The provider was never asked to take it, and will not be any more.
            return Ok(Deleted::Gone);
        }
        let before = self.look(doomed).await?;
        crash_point("templates.delete.looked");
        let after = match before {
            Some(standing) if !is_leaving(&standing) => {
                self.ask_to_delete(template, Some(&standing.id)).await?;
                self.look(doomed).await?
            }
            before => before,
        };
        match after {
            Some(remote) if remote.status.eq_ignore_ascii_case(status::PENDING_DELETION) => Ok(Deleted::Pending),
            Some(remote) if !is_leaving(&remote) && self.ctx.attempt() < BELIEVE_AFTER => Err(Hindrance::Job(JobError::retry(StillThere))),
            None if template.provider_id.is_none() && self.ctx.now() - template.updated_at < SUBMISSION_ENDS => {
                Err(Hindrance::Job(JobError::Snooze(LOOK_AGAIN)))
            }
            _ => Ok(Deleted::Gone),
        }
    }

    async fn ask_to_delete(&self, template: &Template, id: Option<&str>) -> Result<(), Hindrance> {
        crash_point("templates.delete.beforeDelete");
        match self.client.delete_template(self.token, &template.business_account_id, &template.name, id).await {
            Err(error) if !error.is_unknown_object() => return Err(error.into()),
            _ => {}
        }
        crash_point("templates.delete.deleted");
        Ok(())
    }

    /// The template as the provider has it: by its id there or, while that is not known, what says under its name what the provider was asked to take.
    async fn look(&self, doomed: &Doomed) -> Result<Option<RemoteTemplate>, GraphError> {
        let template = &doomed.template;
        if let Some(id) = &template.provider_id {
            return match self.client.template(self.token, id).await {
                Ok(remote) => Ok(Some(remote)),
                Err(error) if error.is_unknown_object() => Ok(None),
                Err(error) => Err(error),
            };
        }
        let listed = provider::list(self.client, self.token, &template.business_account_id, Some(&template.name)).await?;
        Ok(listed.into_iter().find(|remote| is_it(doomed, remote)))
    }

    /// What a failed call comes to.
    fn hindered(&self, hindrance: Hindrance, template: &Template) -> Result<Deleted, JobError> {
        let error = match hindrance {
            Hindrance::Job(error) => return Err(error),
            Hindrance::Graph(error) => error,
        };
        match refusal::verdict(&error, template) {
            Verdict::Later(wait) => Err(JobError::Snooze(wait)),
            Verdict::Again if self.ctx.attempt() < Delete::MAX_ATTEMPTS => Err(JobError::retry(error)),
            Verdict::Again | Verdict::NameTaken | Verdict::Trouble(_) | Verdict::Refused { .. } => {
                Ok(Deleted::Refused(refusal::reason_of(&error)))
            }
        }
    }
}

/// Whether the provider's template is this one.
fn is_it(doomed: &Doomed, remote: &RemoteTemplate) -> bool {
    let template = &doomed.template;
    if let Some(id) = &template.provider_id {
        return *id == remote.id;
    }
    let named = remote.name == template.name && language_of(&remote.language) == template.language;
    named && doomed.offered.iter().any(|components| says_the_same(components, &remote.components))
}

fn is_leaving(remote: &RemoteTemplate) -> bool {
    [status::PENDING_DELETION, status::DELETED].iter().any(|word| remote.status.eq_ignore_ascii_case(word))
}

/// Writes down what became of one, in a transaction of its own: news of one lock the end of the audit log, and then none may wait for another template.
async fn settle(ctx: &Tenant, template: &Template, deleted: &Deleted) -> Result<(), JobError> {
    crash_point("templates.delete.beforeRecord");
    let mut tx = ctx.begin().await?;
    service::delete_settled(&mut tx, ctx.clock(), template.id, deleted).await.map_err(JobError::retry)?;
    tx.commit().await?;
    crash_point("templates.delete.recorded");
    Ok(())
}
