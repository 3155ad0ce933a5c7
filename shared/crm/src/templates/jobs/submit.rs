//! Takes a template, or a change of one, to the provider, once.
//!
//! The look comes first, always: whatever an earlier run did, was cut off from or crashed after is there to be seen. What the look cannot see
//! yet the provider refuses by its name, and the job looks again later.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::TemplateId;
use providers::{
    objects::ObjectStore,
    whatsapp::{CloudClient, Fate, GraphError, NewTemplate, RemoteTemplate, TemplateEdit},
};
use queue::{Enqueue, Job, JobError, Queue, Requirement, Tenant, crash_point};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{access, provider};
use crate::{
    secrets::Vault,
    templates::{
        creations::{self, Turn},
        likeness::says_the_same,
        media::{self, ProviderApp, SampleError},
        model::{FieldProblem, Template, status},
        refusal::{self, Verdict},
        service::{self, Offer, Said, Settled, Taken},
    },
};

/// How often the provider is looked at for a template that it says it has and does not show.
const LOOKS: u32 = 10;
/// Wait before the second of these looks, doubling up to the longest: a quarter of an hour in all.
const LOOK_AGAIN_S: i64 = 2;
/// The longest wait between two looks.
const LOOK_AGAIN_AT_MOST_S: i64 = 300;
/// How often the deletion of what nobody wants any more is tried at once.
const TAKE_BACK_TRIES: u32 = 3;

/// Looks first whether the provider has the template, and creates or edits it only when it has not: an answer that was lost does nothing twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit {
    /// The template.
    pub template: TemplateId,
    /// How often the provider said that it has a template of this name, and showed none.
    #[serde(default)]
    pub looks: u32,
}

/// Why a run does not come to an answer.
enum Hindrance {
    /// How the job goes on.
    Job(JobError),
    /// What the provider answered.
    Graph(GraphError),
    /// A sample is gone, or the provider did not take it.
    Sample {
        /// The path of its name.
        field: String,
        /// What the provider answered.
        source: Option<GraphError>,
    },
    /// Somebody else has settled it.
    Over,
}

impl From<JobError> for Hindrance {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

impl From<db::DbError> for Hindrance {
    fn from(error: db::DbError) -> Self {
        Self::Job(error.into())
    }
}

impl From<GraphError> for Hindrance {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

impl Job for Submit {
    const KIND: &'static str = "templates.submit";
    const QUEUE: Queue = Queue::Default;
    /// With room for the largest sample on a slow line.
    const TIMEOUT: Duration = Duration::from_mins(15);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let client = ctx.get::<CloudClient>()?;
        let mut tx = ctx.begin().await?;
        let offer = service::offer(&mut tx, self.template).await.map_err(JobError::retry)?;
        tx.rollback().await?;
        let Some(offer) = offer else { return Ok(()) };
        let Some(token) = access::token(ctx, &offer.template).await? else {
            return record(ctx, &offer, Said::GivenBack("no channel of the account is connected".into())).await.map(|_| ());
        };
        let errand = Errand { ctx, client, token: &token, offer: &offer, wanted: offer.wanted() };
        let said = match errand.present().await {
            Ok(said) => said,
            Err(Hindrance::Over) => return Ok(()),
            Err(Hindrance::Job(error)) => return Err(error),
            Err(Hindrance::Sample { field, source: None }) => {
                let reason = "a sample is gone: upload it again".to_owned();
                let problems = vec![FieldProblem { field, code: "not-found".into(), message: reason.clone() }];
                Said::Refused { reason, problems }
            }
            Err(Hindrance::Sample { field, source: Some(error) }) => match self.hindered(ctx, error, &errand.wanted).await? {
                Some(Said::Refused { reason, .. }) => {
                    let problems = vec![FieldProblem { field, code: "sample-refused".into(), message: reason.clone() }];
                    Said::Refused { reason, problems }
                }
                Some(said) => said,
                None => return Ok(()),
            },
            Err(Hindrance::Graph(error)) => match self.hindered(ctx, error, &errand.wanted).await? {
                Some(refused @ Said::Refused { .. }) => errand.taken_after_all().await?.map_or(refused, Said::Taken),
                Some(said) => said,
                None => return Ok(()),
            },
        };
        if record(ctx, &offer, said.clone()).await? == Settled::Unwanted {
            errand.take_back(&said).await?;
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.template.to_string())
    }

    fn requires() -> Vec<Requirement> {
        vec![
            Requirement::of::<CloudClient>(),
            Requirement::of::<Vault>(),
            Requirement::of::<ObjectStore>(),
            Requirement::of::<ProviderApp>(),
        ]
    }
}

impl Submit {
    /// The first look for a template.
    pub fn of(template: TemplateId) -> Self {
        Self { template, looks: 0 }
    }

    /// What a failed call comes to; none when another job goes on.
    async fn hindered(&self, ctx: &Tenant, error: GraphError, wanted: &Template) -> Result<Option<Said>, JobError> {
        Ok(Some(match refusal::verdict(&error, wanted) {
            Verdict::NameTaken if self.looks + 1 < LOOKS => {
                self.look_again(ctx).await?;
                return Ok(None);
            }
            Verdict::NameTaken => {
                Said::name_taken("the provider says that it has a template of this name and language, and does not show it")
            }
            Verdict::Later(wait) => return Err(JobError::Snooze(wait)),
            // The attempts of a job last for hours; a person may know more by then.
            Verdict::Again if ctx.attempt() >= Self::MAX_ATTEMPTS => Said::GivenBack(refusal::reason_of(&error)),
            Verdict::Again => return Err(JobError::retry(error)),
            Verdict::Trouble(reason) => Said::GivenBack(reason),
            Verdict::Refused { reason, problems } => Said::Refused { reason, problems },
        }))
    }

    /// Comes back as a job of its own that knows how often it looked: attempts count other failures too.
    async fn look_again(&self, ctx: &Tenant) -> Result<(), JobError> {
        let wait = (LOOK_AGAIN_S << self.looks.min(16)).min(LOOK_AGAIN_AT_MOST_S);
        let mut tx = ctx.begin().await?;
        tx.enqueue_at(Self { looks: self.looks + 1, ..*self }, ctx.now() + TimeDelta::seconds(wait)).await?;
        Ok(tx.commit().await?)
    }
}

async fn record(ctx: &Tenant, offer: &Offer, said: Said) -> Result<Settled, JobError> {
    crash_point("templates.submit.beforeRecord");
    let mut tx = ctx.begin().await?;
    let settled = service::settle(&mut tx, ctx.clock(), offer, said).await.map_err(JobError::retry)?;
    tx.commit().await?;
    crash_point("templates.submit.recorded");
    Ok(settled)
}

/// One run with what it needs.
struct Errand<'a> {
    ctx: &'a Tenant,
    client: &'a CloudClient,
    token: &'a SecretString,
    offer: &'a Offer,
    /// The template as it shall be at the provider.
    wanted: Template,
}

impl Errand<'_> {
    async fn present(&self) -> Result<Said, Hindrance> {
        let remote = self.look().await?;
        crash_point("templates.submit.looked");
        let Some(remote) = remote else {
            if self.offer.draft.is_some() {
                // That it is gone is news, which a look at all templates brings.
                return Ok(Said::Refused { reason: "the provider has the template no more".into(), problems: Vec::new() });
            }
            return self.create().await;
        };
        if self.has_what_is_wanted(&remote) {
            return Ok(Said::Taken(remote.into()));
        }
        if self.is_ours(&remote).await? {
            return self.edit(remote).await;
        }
        Ok(match remote.status.to_ascii_uppercase().as_str() {
            status::PENDING_DELETION | status::DELETED => {
                let reason = "the provider still deletes a template of this name and language".to_owned();
                let problem = FieldProblem { field: "name".into(), code: "blocked".into(), message: reason.clone() };
                Said::Refused { reason, problems: vec![problem] }
            }
            _ => Said::name_taken("the provider has a template of this name and language with other content"),
        })
    }

    /// The template at the provider: by its id there, or by name and language.
    async fn look(&self) -> Result<Option<RemoteTemplate>, GraphError> {
        let template = &self.offer.template;
        if let Some(id) = &template.provider_id {
            match self.client.template(self.token, id).await {
                Ok(remote) => return Ok(Some(remote)),
                Err(error) if error.is_unknown_object() => {}
                Err(error) => return Err(error),
            }
        }
        provider::find(self.client, self.token, &template.business_account_id, &template.name, &template.language).await
    }

    /// What a refused edit asked for, when the provider has it all the same: another run may have been faster, which is why this one was refused.
    async fn taken_after_all(&self) -> Result<Option<Taken>, JobError> {
        let Some(id) = &self.offer.template.provider_id else { return Ok(None) };
        match self.client.template(self.token, id).await {
            Ok(remote) => Ok(Some(remote).filter(|remote| self.has_what_is_wanted(remote)).map(Taken::from)),
            Err(error) if error.is_retryable() => Err(JobError::retry(error)),
            Err(_) => Ok(None),
        }
    }

    fn is_known(&self, remote: &RemoteTemplate) -> bool {
        self.offer.template.provider_id.as_deref() == Some(remote.id.as_str())
    }

    /// Whether an earlier run came through to the provider.
    fn has_what_is_wanted(&self, remote: &RemoteTemplate) -> bool {
        let (wanted, present) = (&self.wanted, &self.offer.template);
        let told = remote.status.to_ascii_uppercase();
        if matches!(told.as_str(), status::PENDING_DELETION | status::DELETED) || !says_the_same(&wanted.components, &remote.components) {
            return false;
        }
        if !self.is_known(remote) {
            return true;
        }
        if self.offer.draft.is_none() {
            // It was turned down with just this content, or will be looked at once more.
            return told != status::REJECTED;
        }
        // What cannot be seen in a listing, as another sample, is told by the review that follows.
        let seen = !says_the_same(&wanted.components, &present.components);
        let category = wanted.category == present.category || remote.category.as_deref() == Some(wanted.category.as_str());
        let ttl = wanted.message_ttl_seconds.map(i64::from);
        // None is what nothing can be told of.
        let ttl_fits = ttl.is_none() || wanted.message_ttl_seconds == present.message_ttl_seconds || remote.message_send_ttl_seconds == ttl;
        let is_reviewed = matches!(told.as_str(), status::PENDING | status::IN_APPEAL);
        category && ttl_fits && (seen || is_reviewed || self.offer.changes_time_only())
    }

    /// Whether the provider's template came from here: by its id, or because it says what it was once asked to take. (The answer to its creation
    /// was lost, the submission given back, and the draft changed.)
    async fn is_ours(&self, remote: &RemoteTemplate) -> Result<bool, Hindrance> {
        if self.is_known(remote) {
            return Ok(true);
        }
        let mut tx = self.ctx.begin().await?;
        let offered = service::offered_contents(&mut tx, self.offer.template.id).await.map_err(JobError::retry)?;
        tx.rollback().await?;
        Ok(offered.iter().any(|components| says_the_same(components, &remote.components)))
    }

    async fn create(&self) -> Result<Said, Hindrance> {
        let wanted = &self.wanted;
        // Samples may be large, and are uploaded again by the next run.
        if let Some(wait) = creations::full_for(self.ctx, &wanted.business_account_id).await? {
            return Err(JobError::Snooze(wait).into());
        }
        let components = self.components().await?;
        let place = match creations::take(self.ctx, &wanted.business_account_id).await? {
            Turn::Now(place) => place,
            Turn::In(wait) => return Err(JobError::Snooze(wait).into()),
        };
        if let Err(over) = self.go_ahead().await {
            creations::give_back(self.ctx, place).await?;
            return Err(over);
        }
        let new = NewTemplate {
            name: &wanted.name,
            category: wanted.category.as_str(),
            language: &wanted.language,
            parameter_format: wanted.parameter_format.as_str(),
            components: &components,
            message_send_ttl_seconds: wanted.message_ttl_seconds.map(i64::from),
        };
        crash_point("templates.submit.beforeCreate");
        match self.client.create_template(self.token, &wanted.business_account_id, &new).await {
            Ok(created) => {
                crash_point("templates.submit.created");
                let taken = Taken { provider_id: created.id, status: created.status, reason: None, category: created.category };
                Ok(Said::Taken(taken))
            }
            Err(error) => {
                if error.fate() != Fate::Ambiguous {
                    creations::give_back(self.ctx, place).await?;
                }
                Err(error.into())
            }
        }
    }

    async fn edit(&self, remote: RemoteTemplate) -> Result<Said, Hindrance> {
        let (wanted, present) = (&self.wanted, &self.offer.template);
        let time_only = self.offer.changes_time_only();
        let components = if time_only { None } else { Some(self.components().await?) };
        let time_changed = wanted.message_ttl_seconds != present.message_ttl_seconds || self.offer.draft.is_none();
        self.go_ahead().await?;
        let edit = TemplateEdit {
            // Refused for an approved template, even when it is the same.
            category: Some(wanted.category.as_str()).filter(|category| remote.category.as_deref() != Some(category)),
            components: components.as_ref(),
            message_send_ttl_seconds: wanted.message_ttl_seconds.filter(|_| time_changed).map(i64::from),
        };
        // The provider has no word for its default.
        let says_nothing = edit.category.is_none() && edit.components.is_none() && edit.message_send_ttl_seconds.is_none();
        crash_point("templates.submit.beforeEdit");
        if !says_nothing {
            self.client.edit_template(self.token, &remote.id, &edit).await?;
        }
        crash_point("templates.submit.edited");
        if time_only {
            return Ok(Said::Taken(remote.into()));
        }
        // Its answer tells no status. One that is as before may be older than the edit, which begins a review.
        let after = self.client.template(self.token, &remote.id).await.ok().filter(|after| after.status != remote.status);
        Ok(Said::Taken(after.map_or_else(
            || Taken { provider_id: remote.id.clone(), status: status::PENDING.into(), reason: None, category: None },
            Taken::from,
        )))
    }

    /// The components with the provider's handles of their samples.
    async fn components(&self) -> Result<Value, Hindrance> {
        media::for_provider(self.ctx, self.client, self.token, self.wanted.components.clone()).await.map_err(|error| match error {
            SampleError::Gone { field } => Hindrance::Sample { field, source: None },
            SampleError::Provider { field, source } => Hindrance::Sample { field, source: Some(source) },
            SampleError::Unavailable(error) => Hindrance::Job(error),
        })
    }

    /// The last look at our side before something is asked for: whoever overtook this run, or took the wish back, is heard.
    async fn go_ahead(&self) -> Result<(), Hindrance> {
        let mut tx = self.ctx.begin().await?;
        if !service::go_ahead(&mut tx, self.offer, self.ctx.now()).await.map_err(JobError::retry)? {
            return Err(Hindrance::Over);
        }
        self.ctx.progress(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes at the provider what was deleted here while it was created there.
    async fn take_back(&self, said: &Said) -> Result<(), JobError> {
        let Said::Taken(taken) = said else { return Ok(()) };
        let template = &self.offer.template;
        let mut tries = 0;
        loop {
            tries += 1;
            let deleted =
                self.client.delete_template(self.token, &template.business_account_id, &template.name, Some(&taken.provider_id)).await;
            match deleted {
                Ok(()) => return Ok(()),
                Err(error) if error.is_unknown_object() => return Ok(()),
                Err(error) if tries < TAKE_BACK_TRIES && error.is_retryable() => {}
                // The next look at all templates imports it, and somebody sees it.
                Err(error) => return Err(JobError::fail(error)),
            }
        }
    }
}
