//! Compares the templates of an organization with the provider: takes over those made elsewhere, and where each stands.

use std::time::Duration;

use kernel::{ChannelId, TemplateId};
use providers::whatsapp::{CloudClient, RemoteTemplate};
use queue::{Job, JobError, Queue, Requirement, Tenant};
use serde::{Deserialize, Serialize};

use super::provider;
use crate::{
    secrets::Vault,
    templates::{
        model::{Category, ParameterFormat, Source, StatusUpdate, Template, TemplateKey, language_of},
        news, rules,
    },
};

/// Reads every connected account once.
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
        tx.rollback().await?;
        for (channel, account) in accounts {
            let Some(token) = provider::token(ctx, channel).await? else { continue };
            match provider::list(client, &token, &account, None).await {
                Ok(remotes) => take_over(ctx, channel, &account, remotes).await?,
                Err(error) if error.is_retryable() => return Err(JobError::retry(error)),
                Err(error) => tracing::warn!(channel.id = %channel, %error, "channel {channel}: templates were not read"),
            }
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}

async fn take_over(ctx: &Tenant, channel: ChannelId, account: &str, remotes: Vec<RemoteTemplate>) -> Result<(), JobError> {
    for remote in remotes {
        let mut tx = ctx.begin().await?;
        if let Some(template) = template_of(ctx, channel, account, &remote) {
            news::adopt(&mut tx, &template).await.map_err(JobError::retry)?;
        }
        let update = StatusUpdate {
            key: TemplateKey {
                provider_id: &remote.id,
                business_account_id: Some(account),
                name: Some(&remote.name),
                language: Some(&remote.language),
            },
            status: &remote.status,
            reason: remote.rejected_reason.as_deref(),
            category: remote.category.as_deref(),
            quality: remote.quality_score.as_ref().map(|quality| quality.score.as_str()),
            source: Source::Reconcile,
        };
        news::apply_status_update(&mut tx, ctx.clock(), update).await.map_err(JobError::retry)?;
        ctx.progress(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The provider's template as one of ours; none when it has a category or language that we cannot keep.
fn template_of(ctx: &Tenant, channel: ChannelId, account: &str, remote: &RemoteTemplate) -> Option<Template> {
    let category = Category::from_word(&remote.category.as_deref()?.to_ascii_uppercase())?;
    let format = remote
        .parameter_format
        .as_deref()
        .map_or(Some(ParameterFormat::Positional), |word| ParameterFormat::from_word(&word.to_ascii_uppercase()))?;
    let language = language_of(&remote.language);
    let fits = rules::is_name(&remote.name) && rules::is_language(&language) && remote.components.is_array();
    fits.then(|| Template {
        id: TemplateId::at(ctx.now()),
        channel,
        business_account_id: account.to_owned(),
        name: remote.name.clone(),
        language,
        category,
        parameter_format: format,
        components: rules::normalised(remote.components.clone()),
        status: remote.status.to_ascii_uppercase(),
        reason: remote.rejected_reason.clone().filter(|reason| !reason.eq_ignore_ascii_case("none")),
        provider_id: Some(remote.id.clone()),
        quality: remote.quality_score.as_ref().map(|quality| quality.score.clone()),
        submitted_at: None,
        version: 1,
        created_at: ctx.now(),
        updated_at: ctx.now(),
        message_ttl_seconds: None,
        problems: Vec::new(),
        status_at: None,
        announced_category: None,
        announced_category_at: None,
        checked_at: Some(ctx.now()),
        deleted_at: None,
    })
}
