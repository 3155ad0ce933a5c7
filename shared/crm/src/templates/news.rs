//! News of templates: from webhooks, from looks at the provider, and from the jobs that change something there.
//!
//! All of them end in [`record`], in one transaction: the template's row, a step of its way, the campaigns that use it, alert mails and the
//! audit log. What changes nothing writes nothing, so news may repeat. They may also come late and in any order: see [`judgement`].

mod alert;
mod judgement;
mod seen;

use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, SystemTx, TenantTx};
use kernel::{ChannelId, Clock, OrganizationId, TemplateId};
use queue::Enqueue;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) use seen::{Look, Looked, Sight, differs, made_elsewhere, see};

use self::judgement::Verdict;
use super::{
    error::TemplateError,
    jobs::{Poll, Refresh, Submit, Sync, Wait},
    model::{Category, Source, StatusChange, Template, TemplateKey, language_of, status},
    service, store,
};
use crate::{
    campaigns::{self, CampaignError, Followed, Freshness, TemplateNow},
    channels,
};

/// How soon news are confirmed by reading the template that cannot be told from outdated ones.
const CONFIRM_AFTER: TimeDelta = TimeDelta::seconds(5);

/// Organizations whose comparison is enqueued by one transaction.
const ORGANIZATIONS_AT_ONCE: i64 = 200;

/// What a webhook says of one template.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// Which one.
    pub key: TemplateKey<'a>,
    /// When the provider said it, by its clock.
    pub at: Option<DateTime<Utc>>,
    /// What it said.
    pub told: &'a Told,
}

/// What the provider says of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Told {
    /// Its status.
    Status {
        /// The provider's word in any letter case.
        status: String,
        /// Why; `NONE` means no reason.
        reason: Option<String>,
        /// More about it, an object.
        #[serde(default)]
        details: Value,
    },
    /// How recipients take it.
    Quality {
        /// The provider's word.
        quality: String,
    },
    /// It will get another category.
    CategoryAnnounced {
        /// The provider's word.
        category: String,
        /// When.
        from: Option<DateTime<Utc>>,
    },
    /// It has another category.
    CategoryChanged {
        /// The provider's word.
        category: String,
    },
    /// Its content changed, and has to be read.
    Content,
}

/// Has a job compare all templates of the organization with the provider.
pub async fn sync(tx: &mut TenantTx) -> Result<(), TemplateError> {
    tx.enqueue(Sync {}).await?;
    Ok(())
}

/// Has a job read one template at the provider.
pub async fn refresh(tx: &mut TenantTx, template: TemplateId) -> Result<(), TemplateError> {
    tx.enqueue(Refresh::of(template)).await?;
    Ok(())
}

/// Takes over what a webhook says. Repeated news change nothing, and neither do news of a template that is unknown or being rewritten here;
/// news that may be outdated have the template read, and those of one whose id there is not known yet have the job look that submits it. Answers the change of status, if there was one.
///
/// Campaigns stop or go on by it, and the end of the audit log may be locked: call it last before the commit.
pub async fn apply(tx: &mut TenantTx, clock: &dyn Clock, news: News<'_>) -> Result<Option<StatusChange>, TemplateError> {
    let key = news.key;
    let language = key.language.map(language_of);
    let found = store::find_by_news_locked(tx, key.provider_id, key.business_account_id, key.name, language.as_deref()).await?;
    let Some(before) = found else { return Ok(None) };
    if before.provider_id.is_none() {
        // Only who compares what the provider has with what was offered can tell whose template this is: the job that submits.
        if matches!(news.told, Told::Status { .. }) {
            tx.enqueue(Submit::of(before.id)).await?;
        }
        return Ok(None);
    }
    let mut template = before.clone();
    let verdict = judgement::judge(&before, news.told, news.at, clock.now());
    match verdict {
        Verdict::Ignore => return Ok(None),
        Verdict::Ask => {
            refresh(tx, before.id).await?;
            return Ok(None);
        }
        Verdict::Apply => {}
        Verdict::ApplyAndRead => refresh(tx, before.id).await?,
        Verdict::ApplyAndConfirm => {
            tx.enqueue_at(Refresh { template: before.id, wait: Wait::Moment }, clock.now() + CONFIRM_AFTER).await?;
        }
    }
    let mut details = json!({});
    match news.told {
        Told::Status { status: told, reason, details: more } => {
            template.status = told.to_ascii_uppercase();
            template.reason = reason_of(reason.as_deref());
            template.status_at = before.status_at.max(news.at);
            if template.status == status::DELETED {
                template.deleted_at = Some(clock.now());
            }
            details.clone_from(more);
        }
        Told::Quality { quality } => template.quality = Some(quality.to_ascii_uppercase()),
        Told::CategoryAnnounced { category, from } => {
            template.announced_category = Some(category.to_ascii_uppercase());
            template.announced_category_at = *from;
        }
        Told::CategoryChanged { category } => {
            if let Some(category) = Category::from_word(&category.to_ascii_uppercase()) {
                template.category = category;
            }
        }
        Told::Content => {}
    }
    record_with(tx, clock, &before, template, Recording { source: Source::Webhook, freshness: Freshness::Changed, details }).await
}

/// Writes where a template stands now, if that differs, and what follows from it: steps of its way, campaigns, mails, the audit log. A new
/// content is written by the caller before. The template's row is locked; `before` is what was read of it then.
///
/// Campaigns stop or go on by it, and the end of the audit log may be locked: call it last before the commit.
pub(super) async fn record(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    before: &Template,
    template: Template,
    source: Source,
) -> Result<Option<StatusChange>, TemplateError> {
    record_with(tx, clock, before, template, Recording { source, freshness: Freshness::Changed, details: json!({}) }).await
}

/// How a change is recorded.
struct Recording {
    source: Source,
    /// Whether campaigns that were stopped by a lane may take an unchanged template for news.
    freshness: Freshness,
    /// More about a change of status.
    details: Value,
}

async fn record_with(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    before: &Template,
    mut template: Template,
    recording: Recording,
) -> Result<Option<StatusChange>, TemplateError> {
    let Recording { source, freshness, details } = recording;
    let now = clock.now();
    let moved = before.status != template.status || before.reason != template.reason;
    let recategorized = before.category != template.category;
    let rewritten = before.version != template.version;
    let announced = template.announced_category.is_some() && before.announced_category != template.announced_category;
    // Nobody has judged yet: that is no news.
    let word = |quality: &Option<String>| quality.clone().filter(|word| word != "UNKNOWN");
    let requalified = word(&before.quality) != word(&template.quality);
    if recategorized {
        (template.announced_category, template.announced_category_at) = (None, None);
    }
    if moved || recategorized || announced || requalified || rewritten {
        template.updated_at = now;
    }
    if !same_standing(before, &template) {
        store::update_status(tx, &template).await?;
    }
    for (happened, kind, details) in [
        (moved, "status", details),
        (recategorized, "category", json!({ "from": before.category.as_str(), "to": template.category.as_str() })),
        (announced, "categoryAnnounced", json!({ "category": template.announced_category, "from": template.announced_category_at })),
        (requalified, "quality", json!({ "from": before.quality, "to": template.quality })),
    ] {
        if happened {
            store::events_insert_of(tx, &template, store::EventKind { kind, details }, source, now).await?;
        }
    }
    if template.is_under_review() && !before.is_under_review() {
        tx.enqueue(Poll { template: template.id }).await?;
    }
    if moved {
        tracing::info!(
            template.id = %template.id, from = before.status, to = template.status,
            "template {}: {} became {}", template.id, before.status, template.status
        );
    }
    let changed = moved || recategorized || rewritten;
    let standing = TemplateNow {
        id: template.id,
        status: &template.status,
        category: template.category.as_str(),
        version: template.version,
        news: if changed { Freshness::Changed } else { freshness },
    };
    let followed = if changed || freshness == Freshness::Unchanged {
        campaigns::follow_template(tx, clock, &standing).await.map_err(campaign_error)?
    } else {
        Followed::default()
    };
    if let Some(doubt) = followed.doubt() {
        doubt_again(tx, clock, template.id, doubt).await?;
    }
    let toggled = (before.status == status::APPROVED) != (template.status == status::APPROVED);
    let others = if toggled { channels::service::of_business_account(tx, &template.business_account_id).await? } else { Vec::new() };
    let alerts = alert::of(before, &template, source, rewritten);
    alert::mail(tx, now, &template, &alerts, followed.paused()).await?;
    followed.signal(tx, &others).await.map_err(campaign_error)?;
    alert::record(tx, now, &template, &alerts).await?;
    followed.record(tx, clock, template.id).await.map_err(campaign_error)?;
    Ok(moved.then(|| StatusChange {
        template: template.id,
        business_account_id: template.business_account_id,
        from: before.status.clone(),
        to: template.status,
    }))
}

/// Has the template read again when what was read now can be believed.
async fn doubt_again(tx: &mut TenantTx, clock: &dyn Clock, template: TemplateId, after: TimeDelta) -> Result<(), TemplateError> {
    tx.enqueue_at(Refresh { template, wait: Wait::Doubt }, clock.now() + after).await?;
    Ok(())
}

/// Whether all columns that tell where a template stands are the same.
fn same_standing(one: &Template, other: &Template) -> bool {
    one.status == other.status
        && one.reason == other.reason
        && one.category == other.category
        && one.quality == other.quality
        && one.provider_id == other.provider_id
        && one.submitted_at == other.submitted_at
        && one.status_at == other.status_at
        && one.announced_category == other.announced_category
        && one.announced_category_at == other.announced_category_at
        && one.checked_at == other.checked_at
        && one.deleted_at == other.deleted_at
}

/// The provider's reason, if it gives one.
fn reason_of(told: Option<&str>) -> Option<String> {
    told.map(str::to_owned).filter(|reason| !reason.is_empty() && !reason.eq_ignore_ascii_case("none"))
}

fn campaign_error(error: CampaignError) -> TemplateError {
    match error {
        CampaignError::Store(error) => TemplateError::Store(error),
        error => TemplateError::Campaign(error),
    }
}

/// Has the templates of some organizations compared with the provider: those after `after`. Answers the last of them; none when there are
/// no more.
pub(super) async fn sync_next(tx: &mut SystemTx, after: Option<OrganizationId>) -> Result<Option<OrganizationId>, DbError> {
    let organizations = store::organizations_connected(tx, after, ORGANIZATIONS_AT_ONCE).await?;
    for &organization in &organizations {
        tx.enqueue_for(organization, Sync {}).await?;
    }
    Ok(organizations.last().copied())
}

/// One connected channel of each account.
pub(super) async fn accounts(tx: &mut TenantTx) -> Result<Vec<(ChannelId, String)>, TemplateError> {
    Ok(store::accounts(tx).await?.into_iter().map(|(channel, account)| (channel.into(), account)).collect())
}

/// The templates of an account that the provider has, or had.
pub(super) async fn of_account(tx: &mut TenantTx, business_account_id: &str) -> Result<Vec<Template>, TemplateError> {
    Ok(store::of_account(tx, business_account_id).await?)
}

/// Templates that campaigns wait for, or do not fit.
pub(super) async fn held(tx: &mut TenantTx) -> Result<Vec<TemplateId>, TemplateError> {
    campaigns::held_templates(tx).await.map_err(campaign_error)
}

/// Takes over a template that was made at the provider. One that is here already stays as it is.
pub(super) async fn adopt(tx: &mut TenantTx, template: &Template) -> Result<(), TemplateError> {
    match service::insert(tx, template, Source::Reconcile).await {
        Ok(()) | Err(TemplateError::NameTaken) => Ok(()),
        Err(error) => Err(error),
    }
}
