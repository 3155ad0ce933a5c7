//! Taking content to the provider: what a person starts, and what the job writes down of it.

use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::{Clock, TemplateId};
use providers::whatsapp::RemoteTemplate;
use queue::Enqueue;
use serde_json::Value;

use super::{check, drafts, keep_content, view};
use crate::{
    channels::{self, ChannelState},
    templates::{
        error::TemplateError,
        jobs::Submit,
        model::{Category, DraftState, FieldProblem, Source, Template, TemplateDraft, TemplateView, status},
        news, store,
    },
};

/// Contents that the provider's template is compared with, to tell whether it came from here.
const CONTENTS_COMPARED: i64 = 100;

/// Has a job take the template, or the change of it, to the provider. Asking again while that goes on changes nothing.
pub async fn submit(tx: &mut TenantTx, clock: &dyn Clock, id: TemplateId) -> Result<TemplateView, TemplateError> {
    let template = store::find_locked(tx, id).await?.ok_or(TemplateError::NotFound(id))?;
    let draft = store::draft(tx, id).await?;
    let under_way = template.status == status::SUBMITTING || draft.as_ref().is_some_and(|draft| draft.state == DraftState::Submitting);
    if under_way {
        // The job may have been given up after too many crashes; one that waits or runs is enough.
        let job = Submit::of(id);
        if !tx.is_under_way(&job).await? {
            tx.enqueue(job).await?;
        }
    } else if template.is_under_review() {
        // Nothing is left to be submitted.
    } else if template.is_editable() {
        submit_content(tx, clock, template, draft).await?;
    } else if let Some(draft) = draft.filter(|_| template.is_changed_by_draft()) {
        submit_change(tx, clock, &template, draft).await?;
    } else {
        return Err(TemplateError::NotSubmittable(template.status));
    }
    view(tx, id).await
}

async fn submit_content(tx: &mut TenantTx, clock: &dyn Clock, before: Template, draft: Option<TemplateDraft>) -> Result<(), TemplateError> {
    let now = clock.now();
    let mut template = before.clone();
    if let Some(draft) = draft {
        // It was begun while the template could be sent; then that was turned down.
        drafts::fold(&mut template, draft);
        template.version += 1;
        template.updated_at = now;
        keep_content(tx, &template, Source::User, now).await?;
        store::draft_delete(tx, template.id).await?;
    }
    check(&template)?;
    know_connected(tx, &template).await?;
    template.status = status::SUBMITTING.into();
    template.reason = None;
    template.problems.clear();
    template.submitted_at = Some(now);
    store::update_problems(tx, &template).await?;
    tx.enqueue(Submit::of(template.id)).await?;
    news::record(tx, clock, &before, template, Source::User).await?;
    Ok(())
}

async fn submit_change(tx: &mut TenantTx, clock: &dyn Clock, template: &Template, mut draft: TemplateDraft) -> Result<(), TemplateError> {
    let mut changed = template.clone();
    drafts::fold(&mut changed, draft.clone());
    check(&changed)?;
    if !store::campaigns_under_way(tx, &[template.id]).await?.is_empty() {
        return Err(TemplateError::InUse);
    }
    if template.status == status::APPROVED && !changes_time_only(template, &draft) {
        drafts::know_edit_allowed(tx, template.id, clock.now()).await?;
    }
    know_connected(tx, template).await?;
    draft.state = DraftState::Submitting;
    draft.problems.clear();
    draft.updated_at = clock.now();
    store::draft_upsert(tx, &draft).await?;
    tx.enqueue(Submit::of(template.id)).await?;
    Ok(())
}

async fn know_connected(tx: &mut TenantTx, template: &Template) -> Result<(), TemplateError> {
    let channel = channels::service::get(tx, template.channel).await.map_err(TemplateError::Channel)?;
    if channel.state == ChannelState::Disconnected { Err(TemplateError::ChannelNotConnected) } else { Ok(()) }
}

/// What a job takes to the provider, as it was when the job looked.
#[derive(Clone, Debug)]
pub(in crate::templates) struct Offer {
    /// The template.
    pub(in crate::templates) template: Template,
    /// The change of it that is taken there; without one it is the template itself.
    pub(in crate::templates) draft: Option<TemplateDraft>,
}

impl Offer {
    /// The template as it shall be at the provider.
    pub(in crate::templates) fn wanted(&self) -> Template {
        let mut wanted = self.template.clone();
        if let Some(draft) = &self.draft {
            drafts::fold(&mut wanted, draft.clone());
        }
        wanted
    }

    /// Whether only the time changes for which messages are tried.
    pub(in crate::templates) fn changes_time_only(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| changes_time_only(&self.template, draft))
    }

    /// Whether it is still the same submission.
    pub(in crate::templates) fn is_same(&self, other: &Self) -> bool {
        let key = |offer: &Self| {
            let draft = offer.draft.as_ref().map(|draft| draft.updated_at);
            (draft, draft.is_none().then_some((offer.template.submitted_at, offer.template.version)))
        };
        key(self) == key(other)
    }
}

/// What came of an offer.
#[derive(Clone, Debug)]
pub(in crate::templates) enum Said {
    /// The provider has it.
    Taken(Taken),
    /// The provider will not have it like this.
    Refused {
        /// In words.
        reason: String,
        /// At the fields that are blamed.
        problems: Vec<FieldProblem>,
    },
    /// The provider could not be asked, or the account is in trouble: a person has to see to that, and submits again.
    GivenBack(String),
}

/// What the provider says of what it took.
#[derive(Clone, Debug)]
pub(in crate::templates) struct Taken {
    /// Its id there.
    pub(in crate::templates) provider_id: String,
    /// Its status there.
    pub(in crate::templates) status: String,
    /// Why.
    pub(in crate::templates) reason: Option<String>,
    /// The category that the provider gives it.
    pub(in crate::templates) category: Option<String>,
}

impl Said {
    /// Somebody else has the name at the provider.
    pub(in crate::templates) fn name_taken(reason: &str) -> Self {
        let problem = FieldProblem { field: "name".into(), code: "taken".into(), message: reason.to_owned() };
        Self::Refused { reason: reason.to_owned(), problems: vec![problem] }
    }
}

impl From<RemoteTemplate> for Taken {
    fn from(remote: RemoteTemplate) -> Self {
        Self { provider_id: remote.id, status: remote.status, reason: remote.rejected_reason, category: remote.category }
    }
}

/// Where it stands after that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::templates) enum Settled {
    /// Here and there agree.
    Done,
    /// It was deleted here meanwhile: it has to be deleted there too.
    Unwanted,
}

/// What there is to be taken to the provider of a template; none when nothing is, any more.
pub(in crate::templates) async fn offer(tx: &mut TenantTx, id: TemplateId) -> Result<Option<Offer>, TemplateError> {
    let Some(template) = store::find(tx, id).await? else { return Ok(None) };
    let gone = matches!(template.status.as_str(), status::DELETING | status::PENDING_DELETION | status::DELETED);
    let draft = store::draft(tx, id).await?.filter(|draft| draft.state == DraftState::Submitting && !gone);
    let wanted = draft.is_some() || template.status == status::SUBMITTING;
    Ok(wanted.then_some(Offer { template, draft }))
}

/// Whether the offer is still the one that was looked at, right before the provider is asked to take it: from now on its content is one that it may
/// have from us.
pub(in crate::templates) async fn go_ahead(tx: &mut TenantTx, offered: &Offer, now: DateTime<Utc>) -> Result<bool, TemplateError> {
    let id = offered.template.id;
    // Whoever deletes it meanwhile waits, and knows then.
    store::find_locked(tx, id).await?;
    let Some(present) = offer(tx, id).await?.filter(|present| present.is_same(offered)) else { return Ok(false) };
    if present.draft.is_none() {
        store::version_offered(tx, &present.template, now).await?;
    }
    Ok(true)
}

/// Writes down what came of an offer.
///
/// That the provider has it is true whoever tells it: also of a job that was frozen and overtaken. Everything else only counts while the
/// template is still in the same submission.
pub(in crate::templates) async fn settle(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    offer: &Offer,
    said: Said,
) -> Result<Settled, TemplateError> {
    let Some(now) = store::find_locked(tx, offer.template.id).await? else {
        return Ok(if matches!(said, Said::Taken(_)) && offer.draft.is_none() { Settled::Unwanted } else { Settled::Done });
    };
    match &offer.draft {
        Some(draft) => settle_change(tx, clock, now, (&offer.template, draft), said).await,
        None => settle_content(tx, clock, now, &offer.template, said).await,
    }
}

async fn settle_content(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    before: Template,
    offered: &Template,
    said: Said,
) -> Result<Settled, TemplateError> {
    let mut template = before.clone();
    let same = before.status == status::SUBMITTING && (before.submitted_at, before.version) == (offered.submitted_at, offered.version);
    match said {
        Said::Taken(_) if before.status == status::DELETED => return Ok(Settled::Unwanted),
        Said::Taken(taken) => {
            if same || before.provider_id.is_none() {
                template.provider_id = Some(taken.provider_id);
            }
            // A webhook may have been faster: its word on the status is newer than the answer to the submission.
            if same {
                template.category = category_of(taken.category.as_deref()).unwrap_or(template.category);
                template.status = taken.status.to_ascii_uppercase();
                template.reason = reason_of(taken.reason);
            }
        }
        Said::Refused { reason, problems } if same => {
            template.status = status::REJECTED.into();
            template.reason = Some(reason);
            template.problems = problems;
            store::update_problems(tx, &template).await?;
        }
        Said::GivenBack(reason) if same => {
            template.status = status::DRAFT.into();
            template.reason = Some(reason);
        }
        Said::Refused { .. } | Said::GivenBack(_) => return Ok(Settled::Done),
    }
    news::record(tx, clock, &before, template, Source::Job).await?;
    Ok(Settled::Done)
}

async fn settle_change(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    before: Template,
    (changed, offered): (&Template, &TemplateDraft),
    said: Said,
) -> Result<Settled, TemplateError> {
    let now = clock.now();
    let id = before.id;
    let present = store::draft(tx, id).await?;
    let same = |draft: &TemplateDraft| draft.state == DraftState::Submitting && draft.updated_at == offered.updated_at;
    let content = |draft: &TemplateDraft| (draft.category, draft.components.clone(), draft.message_ttl_seconds);
    let mut draft = match (&said, present) {
        (Said::Taken(_), present) if before.version == changed.version => {
            // What was written since stays to be submitted.
            if present.is_some_and(|present| content(&present) == content(offered)) {
                store::draft_delete(tx, id).await?;
            }
            offered.clone()
        }
        (Said::Refused { .. } | Said::GivenBack(_), Some(present)) if same(&present) => present,
        _ => return Ok(Settled::Done),
    };
    match said {
        Said::Taken(taken) => {
            if !changes_time_only(&before, &draft) && was_approved(tx, &before).await? {
                drafts::count_edit(tx, id, now).await?;
            }
            let mut template = before.clone();
            drafts::fold(&mut template, draft);
            template.version += 1;
            template.updated_at = now;
            template.category = category_of(taken.category.as_deref()).unwrap_or(template.category);
            keep_content(tx, &template, Source::Job, now).await?;
            store::version_offered(tx, &template, offered.updated_at).await?;
            // Whoever deletes it meanwhile goes on doing so.
            if !matches!(before.status.as_str(), status::DELETING | status::PENDING_DELETION | status::DELETED) {
                template.status = taken.status.to_ascii_uppercase();
                template.reason = reason_of(taken.reason);
                template.submitted_at = Some(offered.updated_at);
            }
            store::content_event_insert(tx, &template, Source::Job, now).await?;
            news::record(tx, clock, &before, template, Source::Job).await?;
            return Ok(Settled::Done);
        }
        Said::Refused { reason, problems } => {
            let whole = || vec![FieldProblem { field: "components".into(), code: "refused".into(), message: reason }];
            draft.problems = if problems.is_empty() { whole() } else { problems };
        }
        Said::GivenBack(reason) => {
            draft.problems = vec![FieldProblem { field: "channelId".into(), code: "not-submitted".into(), message: reason }];
        }
    }
    draft.state = DraftState::Draft;
    draft.updated_at = now;
    store::draft_upsert(tx, &draft).await?;
    Ok(Settled::Done)
}

/// Whether only the time changes for which messages are tried: the provider does not review that, and takes it at any time.
fn changes_time_only(template: &Template, draft: &TemplateDraft) -> bool {
    (template.category, &template.components) == (draft.category, &draft.components)
}

/// Whether the change that was taken was one of an approved template. News of the review may have come before the answer.
async fn was_approved(tx: &mut TenantTx, template: &Template) -> Result<bool, TemplateError> {
    let last = store::last_status(tx, template.id, &[status::APPROVED, status::PAUSED]).await?;
    Ok(last.as_deref().unwrap_or(&template.status) == status::APPROVED)
}

fn category_of(word: Option<&str>) -> Option<Category> {
    Category::from_word(&word?.to_ascii_uppercase())
}

fn reason_of(reason: Option<String>) -> Option<String> {
    reason.filter(|reason| !reason.is_empty() && !reason.eq_ignore_ascii_case("none"))
}

/// The newest contents of a template that the provider was asked to take. What merely was in a draft may be somebody else's there.
pub(in crate::templates) async fn offered_contents(tx: &mut TenantTx, id: TemplateId) -> Result<Vec<Value>, TemplateError> {
    Ok(store::versions_offered(tx, id, CONTENTS_COMPARED).await?)
}
