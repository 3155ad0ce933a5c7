//! News of templates: from webhooks, from looks at the provider, and from the jobs that change something there.

use db::TenantTx;
use kernel::{ChannelId, Clock};
use queue::Enqueue;

use super::{
    error::TemplateError,
    jobs::{Poll, Sync},
    model::{Category, Source, StatusChange, StatusUpdate, Template, language_of, status},
    service, store,
};
use crate::{channels, lanes};

/// Has a job compare all templates of the organization with the provider.
pub async fn sync(tx: &mut TenantTx) -> Result<(), TemplateError> {
    tx.enqueue(Sync {}).await?;
    Ok(())
}

/// Takes news of a template over: from a webhook or from a look at the provider. Repeated news change nothing, and neither do news of a
/// template that is unknown or being rewritten here. Answers the change of status, if there was one.
///
/// Lanes of the account are signalled when campaigns may go on or have to stop: call it last before the commit.
pub async fn apply_status_update(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    update: StatusUpdate<'_>,
) -> Result<Option<StatusChange>, TemplateError> {
    let key = update.key;
    let language = key.language.map(language_of);
    let found = store::find_by_news_locked(tx, key.provider_id, key.business_account_id, key.name, language.as_deref()).await?;
    let Some(mut template) = found else { return Ok(None) };
    // What was said of the former content is nothing to a draft. A draft the provider never had is not meant at all.
    if template.status == status::DRAFT {
        return Ok(None);
    }
    let before = template.clone();
    let told = update.status.to_ascii_uppercase();
    // A webhook may be late: an answer once given is not taken back by the news that the review began.
    let stale = told == status::PENDING && update.source == Source::Webhook && template.status != status::SUBMITTING;
    if !stale {
        template.status = told;
        template.reason = update.reason.map(str::to_owned).filter(|reason| !reason.is_empty() && !reason.eq_ignore_ascii_case("none"));
    }
    template.provider_id = Some(key.provider_id.to_owned());
    if let Some(category) = update.category.and_then(|category| Category::from_word(&category.to_ascii_uppercase())) {
        template.category = category;
    }
    if let Some(quality) = update.quality {
        template.quality = Some(quality.to_owned());
    }
    record(tx, clock, &before, template, update.source).await
}

/// Writes where a template stands now, if that differs, and what follows from it.
pub(super) async fn record(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    before: &Template,
    mut template: Template,
    source: Source,
) -> Result<Option<StatusChange>, TemplateError> {
    let moved = before.status != template.status || before.reason != template.reason;
    let same = !moved
        && before.category == template.category
        && before.quality == template.quality
        && before.provider_id == template.provider_id
        && before.submitted_at == template.submitted_at;
    if same {
        return Ok(None);
    }
    template.updated_at = clock.now();
    store::update_status(tx, &template).await?;
    if !moved {
        return Ok(None);
    }
    store::events_insert(tx, &template, source, clock.now()).await?;
    if template.is_under_review() && !before.is_under_review() {
        tx.enqueue(Poll { template: template.id }).await?;
    }
    tracing::info!(
        template.id = %template.id, from = before.status, to = template.status,
        "template {}: {} became {}", template.id, before.status, template.status
    );
    if (before.status == status::APPROVED) != (template.status == status::APPROVED) {
        let organization = tx.organization();
        for channel in channels::service::of_business_account(tx, &template.business_account_id).await? {
            lanes::signal(tx, organization, channel).await?;
        }
    }
    Ok(Some(StatusChange {
        template: template.id,
        business_account_id: template.business_account_id,
        from: before.status.clone(),
        to: template.status,
    }))
}

/// One connected channel of each account.
pub(super) async fn accounts(tx: &mut TenantTx) -> Result<Vec<(ChannelId, String)>, TemplateError> {
    Ok(store::accounts(tx).await?.into_iter().map(|(channel, account)| (channel.into(), account)).collect())
}

/// Takes over a template that was made at the provider. One that is here already stays as it is.
pub(super) async fn adopt(tx: &mut TenantTx, template: &Template) -> Result<(), TemplateError> {
    match service::insert(tx, template, Source::Reconcile).await {
        Ok(()) | Err(TemplateError::NameTaken) => Ok(()),
        Err(error) => Err(error),
    }
}
