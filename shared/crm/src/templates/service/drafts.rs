//! Changes of templates that may be sent as they are: written apart, and submitted when they are ready.

use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use kernel::{Clock, TemplateId};

use super::{check, patched, stays_the_same};
use crate::{
    fields::FieldErrors,
    templates::{
        error::TemplateError,
        media,
        model::{DraftState, Template, TemplateDraft, TemplatePatch, status},
        store,
    },
};

/// How often the provider takes changes of an approved template: so many within such a time.
///
/// # Source
/// Meta, "Template management": an approved template is edited once in 24 hours and ten times in 30 days.
const LIMITS: [(usize, TimeDelta); 2] = [(1, TimeDelta::hours(24)), (10, LONGEST)];
/// The longest time of [`LIMITS`].
const LONGEST: TimeDelta = TimeDelta::days(30);

/// Writes the change of a template whose row is locked. A change back to what the template has leaves none.
pub(super) async fn write(tx: &mut TenantTx, clock: &dyn Clock, before: Template, patch: TemplatePatch) -> Result<(), TemplateError> {
    let earlier = store::draft(tx, before.id).await?;
    if earlier.as_ref().is_some_and(|draft| draft.state == DraftState::Submitting) {
        return Err(TemplateError::ChangeUnderWay);
    }
    let now = clock.now();
    let begun = earlier.as_ref().map_or(now, |draft| draft.created_at);
    let mut template = before.clone();
    if let Some(earlier) = earlier {
        fold(&mut template, earlier);
    }
    patched(tx, &mut template, patch).await?;
    stays_the_same(&before, &template)?;
    if before.status == status::APPROVED && template.category != before.category {
        let mut errors = FieldErrors::default();
        errors.add("category", "fixed", "the category of an approved template stays");
        return Err(errors.into());
    }
    check(&template)?;
    if template.channel != before.channel {
        // The token of another number of the account may manage it.
        store::update_content(tx, &Template { channel: template.channel, updated_at: now, ..before.clone() }).await?;
    }
    let content = |template: &Template| (template.category, template.components.clone(), template.message_ttl_seconds);
    if content(&template) == content(&before) {
        store::draft_delete(tx, before.id).await?;
        return Ok(());
    }
    media::attach(tx, now, &template.components).await?;
    let draft = TemplateDraft {
        template: before.id,
        category: template.category,
        components: template.components,
        message_ttl_seconds: template.message_ttl_seconds,
        state: DraftState::Draft,
        problems: Vec::new(),
        created_at: begun,
        updated_at: now,
    };
    Ok(store::draft_upsert(tx, &draft).await?)
}

/// The template with the content of its change.
pub(super) fn fold(template: &mut Template, draft: TemplateDraft) {
    template.category = draft.category;
    template.components = draft.components;
    template.message_ttl_seconds = draft.message_ttl_seconds;
}

/// Throws a change away that is not being submitted.
pub async fn throw_away(tx: &mut TenantTx, id: TemplateId) -> Result<(), TemplateError> {
    store::find_locked(tx, id).await?.ok_or(TemplateError::NotFound(id))?;
    match store::draft(tx, id).await? {
        None => Err(TemplateError::NoDraft(id)),
        Some(draft) if draft.state == DraftState::Submitting => Err(TemplateError::ChangeUnderWay),
        Some(_) => {
            store::draft_delete(tx, id).await?;
            Ok(())
        }
    }
}

/// Fails while the provider takes no change of an approved template, because it took others.
pub(super) async fn know_edit_allowed(tx: &mut TenantTx, id: TemplateId, now: DateTime<Utc>) -> Result<(), TemplateError> {
    let edits = store::edits_since(tx, id, now - LONGEST).await?;
    // The oldest of the newest `most` has to be out of the window.
    let free = LIMITS.into_iter().filter_map(|(most, window)| Some(*edits.get(most - 1)? + window)).max();
    match free {
        Some(free) if free > now => Err(TemplateError::EditLimit(free)),
        _ => Ok(()),
    }
}

/// Counts a change that the provider took of an approved template.
pub(super) async fn count_edit(tx: &mut TenantTx, id: TemplateId, now: DateTime<Utc>) -> Result<(), TemplateError> {
    Ok(store::edits_insert(tx, id, now, now - LONGEST).await?)
}
