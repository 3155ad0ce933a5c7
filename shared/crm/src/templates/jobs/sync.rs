//! Compares the templates of an organization with the provider: takes over those made elsewhere, where each stands, and what is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use db::DbError;
use kernel::{ChannelId, TemplateId};
use providers::whatsapp::{CloudClient, GraphError, RemoteTemplate};
use queue::{Job, JobError, Queue, Requirement, Tenant};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::provider::{self, Asked, Listing};
use crate::{
    secrets::Vault,
    templates::{
        TemplateError,
        model::{Template, language_of, status},
        news::{self, Look, Looked, Sight},
    },
};

/// Unknown templates that are taken over by one transaction.
const ADOPTED_AT_ONCE: usize = 100;
/// Templates that are asked for one by one because their account does not list them any more, at most; the rest follow next time.
const VANISHED_AT_ONCE: usize = 200;

/// Reads every connected account once, and touches only what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {}

impl Job for Sync {
    const KIND: &'static str = "templates.sync";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(5);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let client = ctx.get::<CloudClient>()?;
        let mut tx = ctx.begin().await?;
        let accounts = news::accounts(&mut tx).await.map_err(JobError::retry)?;
        let held: BTreeSet<TemplateId> = news::held(&mut tx).await.map_err(JobError::retry)?.into_iter().collect();
        tx.rollback().await?;
        let mut again = None;
        for (channel, account) in accounts {
            let Some(token) = provider::token(ctx, channel).await? else { continue };
            let comparison = Comparison { ctx, client, token: &token, channel, account: &account, held: &held, asked_at: ctx.now() };
            match comparison.run().await {
                Ok(()) => {}
                Err(Trouble::Here(error)) => return Err(error),
                // The other accounts are not to wait for this one.
                Err(Trouble::Provider(error)) => {
                    tracing::warn!(channel.id = %channel, %error, "channel {channel}: templates were not read");
                    again = again.or(error.is_retryable().then_some(error));
                }
            }
        }
        again.map_or(Ok(()), |error| Err(JobError::retry(error)))
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}

enum Trouble {
    Here(JobError),
    Provider(GraphError),
}

impl From<JobError> for Trouble {
    fn from(error: JobError) -> Self {
        Self::Here(error)
    }
}

impl From<DbError> for Trouble {
    fn from(error: DbError) -> Self {
        Self::Here(error.into())
    }
}

/// The comparison of one account.
struct Comparison<'a> {
    ctx: &'a Tenant,
    client: &'a CloudClient,
    token: &'a SecretString,
    channel: ChannelId,
    account: &'a str,
    /// Templates that campaigns wait for: they are looked at even when nothing is new.
    held: &'a BTreeSet<TemplateId>,
    asked_at: DateTime<Utc>,
}

impl Comparison<'_> {
    async fn run(&self) -> Result<(), Trouble> {
        let mut tx = self.ctx.begin().await?;
        // Before the provider is asked: whatever changes from now on is newer than what it answers.
        let known = news::of_account(&mut tx, self.account).await.map_err(JobError::retry)?;
        tx.rollback().await?;
        let Listing { templates: listed, is_complete } =
            provider::list_with_end(self.client, self.token, self.account, None).await.map_err(Trouble::Provider)?;
        let by_id: BTreeMap<&str, &Template> =
            known.iter().filter_map(|template| Some((template.provider_id.as_deref()?, template))).collect();
        let mut strange = Vec::new();
        for remote in &listed {
            match by_id.get(remote.id.as_str()) {
                Some(template) if self.held.contains(&template.id) || news::differs(template, remote, self.asked_at) => {
                    self.see(template, Sight::There(remote)).await?;
                }
                Some(_) => {}
                None => strange.push(remote),
            }
        }
        let mut vanished = Ok(());
        if is_complete {
            let ids: BTreeSet<&str> = listed.iter().map(|remote| remote.id.as_str()).collect();
            vanished = self.look_for_vanished(known.iter().filter(|template| is_missed(template, &ids))).await;
        }
        // Behind those that are gone, as one that was made anew has the name of one of them; and also when these cannot be asked for.
        if !matches!(vanished, Err(Trouble::Here(_))) {
            self.adopt(&known, &strange).await?;
        }
        vanished
    }

    /// Takes over what was seen of one template; what is overtaken meanwhile is read again.
    async fn see(&self, template: &Template, sight: Sight<'_>) -> Result<(), Trouble> {
        let mut tx = self.ctx.begin().await?;
        let look = Look { before: template, sight, asked_at: self.asked_at };
        match news::see(&mut tx, self.ctx.clock(), look).await {
            // One that is too young to be gone is looked at again by the next comparison.
            Ok(Looked::Taken(_) | Looked::TooYoung(_)) => {}
            Ok(Looked::Overtaken) => news::refresh(&mut tx, template.id).await.map_err(JobError::retry)?,
            Err(error) => return Err(Trouble::Here(JobError::retry(error))),
        }
        self.ctx.progress(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Asks for templates that are not listed, before they are believed gone.
    async fn look_for_vanished(&self, missed: impl Iterator<Item = &Template>) -> Result<(), Trouble> {
        for template in missed.take(VANISHED_AT_ONCE) {
            match provider::ask(self.client, self.token, template).await {
                Ok(Asked::Unasked) => {}
                Ok(Asked::There(remote)) => self.see(template, Sight::There(&remote)).await?,
                Ok(Asked::Gone) => self.see(template, Sight::Gone).await?,
                Err(error) if error.is_retryable() => return Err(Trouble::Provider(error)),
                // Nothing is said of the others by it.
                Err(error) => tracing::warn!(template.id = %template.id, %error, "template {}: not read", template.id),
            }
        }
        Ok(())
    }

    /// Takes over templates that were made elsewhere, as they stand.
    async fn adopt(&self, known: &[Template], strange: &[&RemoteTemplate]) -> Result<(), Trouble> {
        // What is being written or taken there under the name is left to its job.
        let ours: BTreeSet<(&str, &str)> = known
            .iter()
            .filter(|template| template.provider_id.is_none() && template.status != status::DELETED)
            .map(|template| (template.name.as_str(), template.language.as_str()))
            .collect();
        let new: Vec<Template> = strange
            .iter()
            .filter(|remote| !ours.contains(&(remote.name.as_str(), language_of(&remote.language).as_str())))
            .filter_map(|remote| news::made_elsewhere(self.channel, self.account, remote, self.asked_at))
            .collect();
        for some in new.chunks(ADOPTED_AT_ONCE) {
            let mut tx = self.ctx.begin().await?;
            for template in some {
                news::adopt(&mut tx, template).await.map_err(|error: TemplateError| JobError::retry(error))?;
            }
            self.ctx.progress(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Whether the provider should list the template, and does not.
fn is_missed(template: &Template, listed: &BTreeSet<&str>) -> bool {
    let expected = !matches!(template.status.as_str(), status::DRAFT | status::SUBMITTING | status::DELETING | status::DELETED);
    expected && template.provider_id.as_deref().is_some_and(|id| !listed.contains(id))
}
