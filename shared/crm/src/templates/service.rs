//! Use cases of templates.

use db::TenantTx;
use kernel::{ChannelId, Clock, Page, PageRequest, TemplateId};
use queue::Enqueue;

use super::{
    error::TemplateError,
    jobs::Submit,
    model::{NewTemplate, Source, Template, TemplateEvent, TemplateFilter, TemplatePatch, status},
    rules, store,
};
use crate::{
    channels::{self, ChannelError, ChannelState},
    fields::FieldErrors,
};

/// Steps of history that are shown.
const EVENTS_SHOWN: i64 = 100;

/// Writes a draft that keeps the rules.
pub async fn create(tx: &mut TenantTx, clock: &dyn Clock, input: NewTemplate) -> Result<Template, TemplateError> {
    let components = rules::normalised(input.components);
    rules::check(rules::Content {
        name: &input.name,
        language: &input.language,
        category: input.category,
        format: input.parameter_format,
        components: &components,
    })?;
    let (channel, business_account_id) = account_of(tx, input.channel, input.business_account_id).await?;
    let now = clock.now();
    let template = Template {
        id: TemplateId::at(now),
        channel,
        business_account_id,
        name: input.name,
        language: input.language,
        category: input.category,
        parameter_format: input.parameter_format,
        components,
        status: status::DRAFT.into(),
        reason: None,
        provider_id: None,
        quality: None,
        submitted_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        message_ttl_seconds: None,
        problems: Vec::new(),
        status_at: None,
        announced_category: None,
        announced_category_at: None,
        checked_at: None,
        deleted_at: None,
    };
    insert(tx, &template, Source::User).await?;
    Ok(template)
}

/// Reads a template.
pub async fn get(tx: &mut TenantTx, id: TemplateId) -> Result<Template, TemplateError> {
    store::find(tx, id).await?.ok_or(TemplateError::NotFound(id))
}

/// The way of a template so far, oldest step first: the newest 100.
pub async fn history(tx: &mut TenantTx, id: TemplateId) -> Result<Vec<TemplateEvent>, TemplateError> {
    Ok(store::events(tx, id, EVENTS_SHOWN).await?)
}

/// Lists templates, newest first.
pub async fn list(tx: &mut TenantTx, filter: &TemplateFilter, page: PageRequest) -> Result<Page<Template>, TemplateError> {
    Ok(store::page(tx, filter, page).await?)
}

/// Changes a draft, or a template that was turned down, which is a draft again then.
pub async fn replace(tx: &mut TenantTx, clock: &dyn Clock, id: TemplateId, patch: TemplatePatch) -> Result<Template, TemplateError> {
    let mut template = store::find_locked(tx, id).await?.ok_or(TemplateError::NotFound(id))?;
    if !template.is_editable() {
        return Err(TemplateError::NotEditable(template.status));
    }
    if patch.channel.is_some() || patch.business_account_id.is_some() {
        let (channel, account) = account_of(tx, patch.channel, patch.business_account_id).await?;
        if account != template.business_account_id && template.provider_id.is_some() {
            let mut errors = FieldErrors::default();
            errors.add("businessAccountId", "fixed", "a template that was submitted stays with its account");
            return Err(errors.into());
        }
        (template.channel, template.business_account_id) = (channel, account);
    }
    template.name = patch.name.unwrap_or(template.name);
    template.language = patch.language.unwrap_or(template.language);
    template.category = patch.category.unwrap_or(template.category);
    template.parameter_format = patch.parameter_format.unwrap_or(template.parameter_format);
    template.components = patch.components.map_or(template.components, rules::normalised);
    check(&template)?;
    let was_rejected = template.status != status::DRAFT;
    template.status = status::DRAFT.into();
    template.reason = None;
    template.updated_at = clock.now();
    store::update_content(tx, &template).await?;
    if was_rejected {
        store::events_insert(tx, &template, Source::User, clock.now()).await?;
    }
    template.version += 1;
    Ok(template)
}

/// Deletes a template that the provider does not have, or turned down, and no campaign uses.
pub async fn delete(tx: &mut TenantTx, id: TemplateId) -> Result<(), TemplateError> {
    let template = store::find_locked(tx, id).await?.ok_or(TemplateError::NotFound(id))?;
    if !template.is_editable() && template.status != status::DELETED {
        return Err(TemplateError::NotEditable(template.status));
    }
    Ok(store::delete(tx, id).await?)
}

/// Has a job take the template to the provider. Asking again while that goes on changes nothing.
pub async fn submit(tx: &mut TenantTx, clock: &dyn Clock, id: TemplateId) -> Result<Template, TemplateError> {
    let mut template = store::find_locked(tx, id).await?.ok_or(TemplateError::NotFound(id))?;
    if template.is_under_review() || template.status == status::SUBMITTING {
        return Ok(template);
    }
    if !template.is_editable() {
        return Err(TemplateError::NotSubmittable(template.status));
    }
    check(&template)?;
    let channel = channels::service::get(tx, template.channel).await.map_err(TemplateError::Channel)?;
    if channel.state == ChannelState::Disconnected {
        return Err(TemplateError::ChannelNotConnected);
    }
    let now = clock.now();
    template.status = status::SUBMITTING.into();
    template.reason = None;
    template.submitted_at = Some(now);
    template.updated_at = now;
    store::update_status(tx, &template).await?;
    store::events_insert(tx, &template, Source::User, now).await?;
    tx.enqueue(Submit { template: id }).await?;
    Ok(template)
}

/// Reads a template to change where it stands.
pub(super) async fn find_locked(tx: &mut TenantTx, id: TemplateId) -> Result<Option<Template>, TemplateError> {
    Ok(store::find_locked(tx, id).await?)
}

pub(super) async fn insert(tx: &mut TenantTx, template: &Template, source: Source) -> Result<(), TemplateError> {
    if !store::insert(tx, template).await? {
        return Err(TemplateError::NameTaken);
    }
    Ok(store::events_insert(tx, template, source, template.created_at).await?)
}

fn check(template: &Template) -> Result<(), TemplateError> {
    Ok(rules::check(rules::Content {
        name: &template.name,
        language: &template.language,
        category: template.category,
        format: template.parameter_format,
        components: &template.components,
    })?)
}

/// The channel and account that a client named.
async fn account_of(
    tx: &mut TenantTx,
    channel: Option<ChannelId>,
    business_account_id: Option<String>,
) -> Result<(ChannelId, String), TemplateError> {
    match (channel, business_account_id) {
        (Some(id), account) => match channels::service::get(tx, id).await {
            Ok(channel) if account.as_ref().is_none_or(|account| *account == channel.business_account_id) => {
                Ok((id, channel.business_account_id))
            }
            Ok(_) => Err(channels::service::unknown_channel("businessAccountId").into()),
            Err(ChannelError::NotFound(_)) => Err(channels::service::unknown_channel("channelId").into()),
            Err(error) => Err(TemplateError::Channel(error)),
        },
        (None, Some(account)) => {
            let channels = channels::service::of_business_account(tx, &account).await?;
            let channel = channels.first().ok_or_else(|| channels::service::unknown_channel("businessAccountId"))?;
            Ok((*channel, account))
        }
        (None, None) => Err(channels::service::unknown_channel("channelId").into()),
    }
}
