//! What a look at the provider shows of a template.

use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use kernel::{ChannelId, Clock, TemplateId};
use providers::whatsapp::RemoteTemplate;
use serde_json::{Value, json};

use super::{Recording, reason_of, record_with};
use crate::{
    campaigns::Freshness,
    templates::{
        error::TemplateError,
        likeness::says_the_same,
        model::{Category, DraftState, ParameterFormat, Source, StatusChange, Template, language_of, status},
        rules, store,
    },
};

/// How long a template that was deleted may still be listed.
const LISTED_AFTER_DELETION: TimeDelta = TimeDelta::hours(1);

/// How long a template that was just taken there may be missing: what the provider lists and finds lags behind what it takes.
const UNSEEN_AFTER_SUBMISSION: TimeDelta = TimeDelta::minutes(15);

/// What was seen of a template.
#[derive(Clone, Copy, Debug)]
pub(in crate::templates) enum Sight<'a> {
    /// The provider has it so.
    There(&'a RemoteTemplate),
    /// The provider has it no more.
    Gone,
}

/// A look at one template.
#[derive(Clone, Copy, Debug)]
pub(in crate::templates) struct Look<'a> {
    /// The template as it was read here before the provider was asked.
    pub(in crate::templates) before: &'a Template,
    /// What was seen.
    pub(in crate::templates) sight: Sight<'a>,
    /// When the provider was asked.
    pub(in crate::templates) asked_at: DateTime<Utc>,
}

/// What a look led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::templates) enum Looked {
    /// Something else changed the template since the provider was asked: nobody knows which of the two is newer.
    Overtaken,
    /// It is too young to be believed gone, until then.
    TooYoung(DateTime<Utc>),
    /// It was taken over, and moved the status or not.
    Taken(Option<StatusChange>),
}

/// Takes over what was seen. What a job here is about to change at the provider is left to that job.
///
/// Campaigns stop or go on by it, and the end of the audit log may be locked: call it last before the commit.
pub(in crate::templates) async fn see(tx: &mut TenantTx, clock: &dyn Clock, look: Look<'_>) -> Result<Looked, TemplateError> {
    let Some(current) = store::find_locked(tx, look.before.id).await? else { return Ok(Looked::Taken(None)) };
    let moved = |one: &Template, other: &Template| {
        (&one.status, &one.reason, one.status_at, one.version, one.submitted_at, one.category)
            != (&other.status, &other.reason, other.status_at, other.version, other.submitted_at, other.category)
    };
    if moved(&current, look.before) {
        return Ok(Looked::Overtaken);
    }
    if !is_tracked(&current, &look) {
        return Ok(Looked::Taken(None));
    }
    if current.status == status::DELETED && store::is_name_taken(tx, &current).await? {
        return Ok(Looked::Taken(None));
    }
    if let (Sight::Gone, Some(until)) = (look.sight, unseen_until(&current).filter(|until| *until > look.asked_at)) {
        return Ok(Looked::TooYoung(until));
    }
    let mut template = current.clone();
    template.checked_at = Some(look.asked_at);
    match look.sight {
        Sight::Gone => {
            template.status = status::DELETED.into();
            template.reason = Some("the provider has it no more".into());
            template.deleted_at = Some(clock.now());
        }
        Sight::There(remote) => {
            take_standing(&mut template, remote);
            let submitting = store::draft(tx, template.id).await?.is_some_and(|draft| draft.state == DraftState::Submitting);
            if !submitting && let Some(components) = other_content(&template, remote) {
                template.components = components;
                template.version += 1;
                template.updated_at = clock.now();
                store::update_content(tx, &template).await?;
                store::versions_insert(tx, &template, Source::Reconcile, clock.now()).await?;
                store::content_event_insert(tx, &template, Source::Reconcile, clock.now()).await?;
            }
        }
    }
    let recording = Recording { source: Source::Reconcile, freshness: Freshness::Unchanged, details: json!({}) };
    Ok(Looked::Taken(record_with(tx, clock, &current, template, recording).await?))
}

/// Until when the provider may have a template and not show it. A submission may have waited long for its turn: while the template is under
/// review, it was taken at its last change at the earliest.
fn unseen_until(template: &Template) -> Option<DateTime<Utc>> {
    let taken = template.submitted_at.max(template.is_under_review().then_some(template.updated_at));
    Some(taken? + UNSEEN_AFTER_SUBMISSION)
}

/// Whether a look at the provider says anything of this template. One that is deleted here may be listed for a while; when it stays, it was
/// not deleted.
fn is_tracked(template: &Template, look: &Look<'_>) -> bool {
    match template.status.as_str() {
        status::DRAFT | status::SUBMITTING | status::DELETING => false,
        status::DELETED => match look.sight {
            Sight::Gone => false,
            Sight::There(remote) => {
                let word = remote.status.to_ascii_uppercase();
                let lives = word != status::DELETED && word != status::PENDING_DELETION;
                lives && template.deleted_at.is_none_or(|deleted| look.asked_at - deleted > LISTED_AFTER_DELETION)
            }
        },
        _ => true,
    }
}

/// Whether a look shows something that is not known here.
pub(in crate::templates) fn differs(template: &Template, remote: &RemoteTemplate, asked_at: DateTime<Utc>) -> bool {
    if !is_tracked(template, &Look { before: template, sight: Sight::There(remote), asked_at }) {
        return false;
    }
    let mut seen = template.clone();
    take_standing(&mut seen, remote);
    !super::same_standing(&seen, template) || other_content(template, remote).is_some()
}

/// The provider's template as one of ours; none when it is being deleted, or has a category, name or language that we cannot keep.
pub(in crate::templates) fn made_elsewhere(
    channel: ChannelId,
    business_account_id: &str,
    remote: &RemoteTemplate,
    now: DateTime<Utc>,
) -> Option<Template> {
    let category = Category::from_word(&remote.category.as_deref()?.to_ascii_uppercase())?;
    let format = remote
        .parameter_format
        .as_deref()
        .map_or(Some(ParameterFormat::Positional), |word| ParameterFormat::from_word(&word.to_ascii_uppercase()))?;
    let language = language_of(&remote.language);
    let goes = [status::DELETED, status::PENDING_DELETION].iter().any(|word| remote.status.eq_ignore_ascii_case(word));
    if goes || !rules::is_name(&remote.name) || !rules::is_language_shape(&language) || !remote.components.is_array() {
        return None;
    }
    let seconds = remote.message_send_ttl_seconds.and_then(|seconds| i32::try_from(seconds).ok());
    let mut template = Template {
        id: TemplateId::at(now),
        channel,
        business_account_id: business_account_id.to_owned(),
        name: remote.name.clone(),
        language,
        category,
        parameter_format: format,
        components: rules::normalised(remote.components.clone()),
        status: String::new(),
        reason: None,
        provider_id: None,
        quality: None,
        submitted_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        message_ttl_seconds: seconds.filter(|seconds| *seconds == -1 || (30..=2_592_000).contains(seconds)),
        problems: Vec::new(),
        status_at: None,
        announced_category: None,
        announced_category_at: None,
        checked_at: Some(now),
        deleted_at: None,
    };
    take_standing(&mut template, remote);
    Some(template)
}

/// Takes over all but the content.
fn take_standing(template: &mut Template, remote: &RemoteTemplate) {
    let status = remote.status.to_ascii_uppercase();
    // Why it is paused is only told by webhooks: as long as it stays so, that reason holds.
    if template.status != status || template.reason.is_none() {
        template.reason = reason_of(remote.rejected_reason.as_deref());
    }
    template.status = status;
    template.provider_id = Some(remote.id.clone());
    let category = |word: &Option<String>| word.as_deref().and_then(|word| Category::from_word(&word.to_ascii_uppercase()));
    template.category = category(&remote.category).unwrap_or(template.category);
    if let Some(quality) = &remote.quality_score {
        template.quality = Some(quality.score.to_ascii_uppercase());
    }
    if let Some(correct) = category(&remote.correct_category).filter(|correct| *correct != template.category) {
        template.announced_category = Some(correct.as_str().to_owned());
    }
    if template.status == status::DELETED {
        template.deleted_at = template.deleted_at.or(template.checked_at);
    } else {
        template.deleted_at = None;
    }
}

/// The provider's components, when they say something else than ours. The texts of templates for codes are the provider's own.
fn other_content(template: &Template, remote: &RemoteTemplate) -> Option<Value> {
    if template.category == Category::Authentication || !remote.components.is_array() {
        return None;
    }
    (!says_the_same(&template.components, &remote.components)).then(|| rules::normalised(remote.components.clone()))
}

#[cfg(test)]
mod tests;
