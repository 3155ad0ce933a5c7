//! Takes a template to the provider, once.

use std::time::Duration;

use kernel::TemplateId;
use providers::whatsapp::{CloudClient, GraphError, NewTemplate, Reaction, RemoteTemplate};
use queue::{Job, JobError, Queue, Requirement, Tenant};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::provider;
use crate::{
    channels::{self, ChannelError, ChannelState},
    secrets::Vault,
    templates::{
        TemplateError,
        model::{Category, Source, Template, status},
        news, service,
    },
};

/// How often a channel that still connects is looked at.
const CONNECTING_AGAIN: Duration = Duration::from_secs(1);

/// Looks first whether the provider has the template, and creates it only when it has not: an answer that was lost creates nothing twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit {
    /// The template.
    pub template: TemplateId,
}

/// What came of a submission.
enum Outcome {
    /// The provider has it.
    Taken { provider_id: String, status: String, reason: Option<String>, category: Option<String> },
    /// The provider will not have it like this.
    Refused(String),
    /// The provider was not asked, or the account is in trouble: the template is a draft again.
    GivenBack(String),
}

impl Job for Submit {
    const KIND: &'static str = "templates.submit";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(2);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let client = ctx.get::<CloudClient>()?;
        let mut tx = ctx.begin().await?;
        let template = match service::get(&mut tx, self.template).await {
            Ok(template) if template.status == status::SUBMITTING => template,
            Ok(_) | Err(TemplateError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(JobError::retry(error)),
        };
        let channel_state = match channels::service::get(&mut tx, template.channel).await {
            Ok(channel) => channel.state,
            Err(ChannelError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(JobError::retry(error)),
        };
        tx.rollback().await?;
        let outcome = match channel_state {
            ChannelState::Connecting => return Err(JobError::Snooze(CONNECTING_AGAIN)),
            ChannelState::Disconnected => Outcome::GivenBack("the channel is not connected".into()),
            ChannelState::Connected => {
                let Some(token) = provider::token(ctx, template.channel).await? else { return Ok(()) };
                offer(client, &token, &template).await?
            }
        };
        self.record(ctx, outcome).await
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}

impl Submit {
    async fn record(&self, ctx: &Tenant, outcome: Outcome) -> Result<(), JobError> {
        let mut tx = ctx.begin().await?;
        let Some(before) = service::find_locked(&mut tx, self.template).await.map_err(JobError::retry)? else { return Ok(()) };
        let mut template = before.clone();
        // A webhook may have been faster: its word on the status is newer than the answer to the submission.
        let waiting = before.status == status::SUBMITTING;
        match outcome {
            Outcome::Taken { provider_id, status, reason, category } => {
                template.provider_id = Some(provider_id);
                if let Some(category) = category.and_then(|category| Category::from_word(&category.to_ascii_uppercase())) {
                    template.category = category;
                }
                if waiting {
                    template.status = status.to_ascii_uppercase();
                    template.reason = reason.filter(|reason| !reason.eq_ignore_ascii_case("none"));
                }
            }
            Outcome::Refused(reason) if waiting => {
                template.status = status::REJECTED.into();
                template.reason = Some(reason);
            }
            Outcome::GivenBack(reason) if waiting => {
                template.status = status::DRAFT.into();
                template.reason = Some(reason);
            }
            Outcome::Refused(_) | Outcome::GivenBack(_) => {}
        }
        news::record(&mut tx, ctx.clock(), &before, template, Source::Job).await.map_err(JobError::retry)?;
        Ok(tx.commit().await?)
    }
}

async fn offer(client: &CloudClient, token: &SecretString, template: &Template) -> Result<Outcome, JobError> {
    match present(client, token, template).await {
        Ok(outcome) => Ok(outcome),
        // An answer that cannot be read may follow a creation: the next run looks first.
        Err(error @ GraphError::Unreadable(_)) => Err(JobError::retry(error)),
        Err(error) if error.is_retryable() => Err(JobError::retry(error)),
        Err(error) => {
            let reason = provider::reason_of(&error);
            let account_in_trouble =
                error.refusal().is_none_or(|refusal| matches!(refusal.reaction, Reaction::PauseAccount | Reaction::PauseNumber));
            Ok(if account_in_trouble { Outcome::GivenBack(reason) } else { Outcome::Refused(reason) })
        }
    }
}

async fn present(client: &CloudClient, token: &SecretString, template: &Template) -> Result<Outcome, GraphError> {
    let account = &template.business_account_id;
    let remote = provider::find(client, token, account, &template.name, &template.language).await?;
    if let Some(remote) = remote {
        if !same_content(&remote, template) {
            if template.provider_id.as_deref() != Some(remote.id.as_str()) {
                return Ok(Outcome::Refused("the provider has a template of this name and language with other content".into()));
            }
            client.edit_template(token, &remote.id, template.category.as_str(), &template.components).await?;
            let remote = client.template(token, &remote.id).await?;
            return Ok(taken(remote));
        }
        return Ok(taken(remote));
    }
    let new = NewTemplate {
        name: &template.name,
        category: template.category.as_str(),
        language: &template.language,
        parameter_format: template.parameter_format.as_str(),
        components: &template.components,
        message_send_ttl_seconds: None,
    };
    let created = client.create_template(token, account, &new).await?;
    Ok(Outcome::Taken { provider_id: created.id, status: created.status, reason: None, category: created.category })
}

fn taken(remote: RemoteTemplate) -> Outcome {
    Outcome::Taken { provider_id: remote.id, status: remote.status, reason: remote.rejected_reason, category: remote.category }
}

/// Whether the provider's template says the same. Samples are not compared: those of media come back as links.
fn same_content(remote: &RemoteTemplate, template: &Template) -> bool {
    texts(&remote.components) == texts(&template.components)
}

/// Everything a recipient reads, in order.
fn texts(components: &Value) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    for component in components.as_array().into_iter().flatten() {
        let kind = component.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        // The body of a template for codes is the provider's.
        if let Some(text) = component.get("text").and_then(Value::as_str) {
            found.push((kind, text));
        }
        for button in component.get("buttons").and_then(Value::as_array).into_iter().flatten() {
            let kind = button.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
            let parts = ["text", "url", "phone_number"].into_iter().filter_map(|name| button.get(name).and_then(Value::as_str));
            found.extend(parts.map(|part| (kind.clone(), part)));
        }
    }
    found
}
