//! Use cases of templates.
//!
//! * [`create`], [`replace`], [`list`], [`view`], [`versions`] and [`history`] are here.
//! * [`drafts`]: changes of templates that may be sent as they are. [`submission`]: taking content to the provider. [`deletion`].
//!
//! Whoever changes a template locks its row first.

mod deletion;
mod drafts;
mod submission;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use kernel::{ChannelId, Clock, Page, PageRequest, TemplateId};

use super::{
    error::TemplateError,
    media,
    model::{
        NewTemplate, Source, Template, TemplateEvent, TemplateFilter, TemplatePatch, TemplateVersion, TemplateView, TtlChange, status,
    },
    news, rules, store,
};
use crate::{
    channels::{self, ChannelError},
    fields::FieldErrors,
};

pub(super) use deletion::{Deleted, Doomed, delete_settled, deleting, is_name_free_of_others};
pub use deletion::{Deletion, NameDeletion, NameInAccount, delete, delete_name};
pub use drafts::throw_away;
pub use submission::submit;
pub(super) use submission::{Offer, Said, Settled, Taken, go_ahead, offer, offered_contents, settle};

/// Steps of history that are shown.
const EVENTS_SHOWN: i64 = 100;
/// For how long the provider keeps the name of a deleted template from being used again.
///
/// # Source
/// Meta, "Template management": the name cannot be used for 30 days.
const NAME_BLOCKED: TimeDelta = TimeDelta::days(30);

/// Writes a draft that keeps the rules.
pub async fn create(tx: &mut TenantTx, clock: &dyn Clock, input: NewTemplate) -> Result<Template, TemplateError> {
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
        components: rules::normalised(input.components),
        status: status::DRAFT.into(),
        reason: None,
        provider_id: None,
        quality: None,
        submitted_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        message_ttl_seconds: input.message_ttl_seconds,
        problems: Vec::new(),
        status_at: None,
        announced_category: None,
        announced_category_at: None,
        checked_at: None,
        deleted_at: None,
    };
    check(&template)?;
    know_name_free(tx, &template, now).await?;
    media::attach(tx, now, &template.components).await?;
    insert(tx, &template, Source::User).await?;
    Ok(template)
}

/// Reads a template.
pub async fn get(tx: &mut TenantTx, id: TemplateId) -> Result<Template, TemplateError> {
    store::find(tx, id).await?.ok_or(TemplateError::NotFound(id))
}

/// Reads a template with what hangs on it.
pub async fn view(tx: &mut TenantTx, id: TemplateId) -> Result<TemplateView, TemplateError> {
    let template = get(tx, id).await?;
    let view = views(tx, vec![template]).await?.pop();
    view.ok_or(TemplateError::NotFound(id))
}

/// The way of a template so far, oldest step first: the newest 100.
pub async fn history(tx: &mut TenantTx, id: TemplateId) -> Result<Vec<TemplateEvent>, TemplateError> {
    Ok(store::events(tx, id, EVENTS_SHOWN).await?)
}

/// The contents that a template had, newest first: the first is the present one.
pub async fn versions(tx: &mut TenantTx, id: TemplateId, page: PageRequest) -> Result<Page<TemplateVersion>, TemplateError> {
    get(tx, id).await?;
    Ok(store::versions_page(tx, id, page).await?)
}

/// Lists templates with what hangs on them, newest first.
pub async fn list(tx: &mut TenantTx, filter: &TemplateFilter, page: PageRequest) -> Result<Page<TemplateView>, TemplateError> {
    let Page { data, next } = store::page(tx, filter, page).await?;
    Ok(Page { data: views(tx, data).await?, next })
}

/// Changes a template's content.
///
/// What the provider does not have, or turned down, is changed in place and is a draft then. What may be sent stays as it is: the change is
/// kept apart until it is submitted and the provider took it.
pub async fn replace(tx: &mut TenantTx, clock: &dyn Clock, id: TemplateId, patch: TemplatePatch) -> Result<TemplateView, TemplateError> {
    let template = store::find_locked(tx, id).await?.ok_or(TemplateError::NotFound(id))?;
    if template.is_editable() {
        replace_in_place(tx, clock, template, patch).await?;
    } else if template.is_changed_by_draft() {
        drafts::write(tx, clock, template, patch).await?;
    } else {
        return Err(TemplateError::NotEditable(template.status));
    }
    view(tx, id).await
}

async fn replace_in_place(tx: &mut TenantTx, clock: &dyn Clock, before: Template, patch: TemplatePatch) -> Result<(), TemplateError> {
    let now = clock.now();
    let mut template = before.clone();
    // A change that was begun while it could be sent is not lost when it is turned down.
    if let Some(draft) = store::draft(tx, template.id).await? {
        drafts::fold(&mut template, draft);
        store::draft_delete(tx, template.id).await?;
    }
    patched(tx, &mut template, patch).await?;
    if before.provider_id.is_some() {
        let seconds = store::ttl_there(tx, before.id).await?;
        stays_the_same(&Template { message_ttl_seconds: seconds, ..before.clone() }, &template)?;
    }
    check(&template)?;
    if (&template.name, &template.language, &template.business_account_id) != (&before.name, &before.language, &before.business_account_id)
    {
        know_name_free(tx, &template, now).await?;
    }
    media::attach(tx, now, &template.components).await?;
    template.version += 1;
    template.status = status::DRAFT.into();
    template.reason = None;
    template.problems.clear();
    template.updated_at = now;
    keep_content(tx, &template, Source::User, now).await?;
    store::update_problems(tx, &template).await?;
    news::record(tx, clock, &before, template, Source::User).await?;
    Ok(())
}

/// Writes the content of a template whose row is locked, as the content of its version, which has to be a new one.
pub(super) async fn keep_content(tx: &mut TenantTx, template: &Template, source: Source, now: DateTime<Utc>) -> Result<(), TemplateError> {
    store::update_content(tx, template).await?;
    store::versions_insert(tx, template, source, now).await?;
    Ok(())
}

pub(super) async fn insert(tx: &mut TenantTx, template: &Template, source: Source) -> Result<(), TemplateError> {
    if !store::insert(tx, template).await? {
        return Err(TemplateError::NameTaken);
    }
    store::versions_insert(tx, template, source, template.created_at).await?;
    Ok(store::events_insert(tx, template, source, template.created_at).await?)
}

async fn views(tx: &mut TenantTx, templates: Vec<Template>) -> Result<Vec<TemplateView>, TemplateError> {
    let ids: Vec<TemplateId> = templates.iter().map(|template| template.id).collect();
    let mut drafts: BTreeMap<_, _> = store::drafts(tx, &ids).await?.into_iter().map(|draft| (draft.template, draft)).collect();
    let campaigns: BTreeMap<_, _> = store::campaigns_under_way(tx, &ids).await?.into_iter().collect();
    let view = |template: Template| TemplateView {
        draft: drafts.remove(&template.id),
        campaigns_under_way: campaigns.get(&template.id).copied().unwrap_or_default(),
        template,
    };
    Ok(templates.into_iter().map(view).collect())
}

/// Puts what a client wishes in place of what is there.
async fn patched(tx: &mut TenantTx, template: &mut Template, patch: TemplatePatch) -> Result<(), TemplateError> {
    if patch.channel.is_some() || patch.business_account_id.is_some() {
        (template.channel, template.business_account_id) = account_of(tx, patch.channel, patch.business_account_id).await?;
    }
    if let Some(name) = patch.name {
        template.name = name;
    }
    if let Some(language) = patch.language {
        template.language = language;
    }
    template.category = patch.category.unwrap_or(template.category);
    template.parameter_format = patch.parameter_format.unwrap_or(template.parameter_format);
    if let Some(components) = patch.components {
        template.components = rules::normalised(components);
    }
    if let TtlChange::Set(seconds) = patch.message_ttl_seconds {
        template.message_ttl_seconds = seconds;
    }
    Ok(())
}

/// Fails when something changed that the provider does not change. `before` is as the provider has it.
fn stays_the_same(before: &Template, after: &Template) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    let fields = [
        ("businessAccountId", before.business_account_id == after.business_account_id),
        ("name", before.name == after.name),
        ("language", before.language == after.language),
        ("parameterFormat", before.parameter_format == after.parameter_format),
        // An edit has no word for the provider's default.
        ("messageSendTtlSeconds", before.message_ttl_seconds.is_none() || after.message_ttl_seconds.is_some()),
    ];
    for (field, _) in fields.into_iter().filter(|(_, same)| !same) {
        errors.add(field, "fixed", "the provider has the template, and does not change this");
    }
    errors.into_result()
}

fn check(template: &Template) -> Result<(), TemplateError> {
    // Name and language of what the provider has cannot be wrong any more, even if our list does not know them.
    let check = if template.provider_id.is_some() { rules::check_edit } else { rules::check };
    Ok(check(rules::Content {
        name: &template.name,
        language: &template.language,
        category: template.category,
        format: template.parameter_format,
        message_ttl_seconds: template.message_ttl_seconds,
        components: &template.components,
    })?)
}

/// Fails while the provider keeps the name of a deleted template from being used again.
async fn know_name_free(tx: &mut TenantTx, template: &Template, now: DateTime<Utc>) -> Result<(), TemplateError> {
    let Some(deleted) = store::name_deleted_at(tx, template, now - NAME_BLOCKED).await? else { return Ok(()) };
    let mut errors = FieldErrors::default();
    let free = (deleted + NAME_BLOCKED).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    errors.add(
        "name",
        "blocked",
        format!("a template of this name and language was deleted: the provider takes the name again from {free}"),
    );
    Err(errors.into())
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
