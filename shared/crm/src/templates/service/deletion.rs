//! Deleting templates, here and at the provider.

use db::TenantTx;
use kernel::{ChannelId, Clock, TemplateId};
use queue::Enqueue;
use serde_json::Value;

use super::{account_of, submission::offered_contents, view};
use crate::templates::{
    error::TemplateError,
    jobs::Delete,
    model::{Source, Template, TemplateView, status},
    news, store,
};

/// What came of deleting.
#[derive(Debug)]
pub enum Deletion {
    /// It is gone.
    Done,
    /// A job deletes these at the provider.
    Begun(Vec<TemplateView>),
}

/// What came of deleting a name.
#[derive(Debug)]
pub struct NameDeletion {
    /// The account.
    pub business_account_id: String,
    /// A job deletes these at the provider.
    pub begun: Vec<TemplateView>,
    /// These are gone: the provider never had them.
    pub removed: Vec<TemplateId>,
}

/// All languages of a name in an account; channel or account must be given.
#[derive(Clone, Debug)]
pub struct NameInAccount {
    /// A number of the account.
    pub channel: Option<ChannelId>,
    /// The account.
    pub business_account_id: Option<String>,
    /// The name.
    pub name: String,
}

/// What deleting a template takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is deleted.
    Nothing,
    /// It is being deleted.
    GoesOn,
    /// The provider never had it.
    Here,
    /// The provider has it, or may have it soon.
    There,
}

/// Deletes a template, in its one language.
///
/// What the provider never had is gone at once. Otherwise a job deletes it there; its row stays, as campaigns name it.
pub async fn delete(tx: &mut TenantTx, clock: &dyn Clock, id: TemplateId) -> Result<Deletion, TemplateError> {
    let template = store::find_locked(tx, id).await?.ok_or(TemplateError::NotFound(id))?;
    match way_of(&template)? {
        Way::Nothing => return Ok(Deletion::Done),
        Way::Here => {
            store::delete(tx, id).await?;
            return Ok(Deletion::Done);
        }
        Way::There => {
            know_unused(tx, &[id]).await?;
            tx.enqueue(Delete { template: id, whole_name: false }).await?;
            mark(tx, clock, &template).await?;
        }
        Way::GoesOn => {
            // The job may have been given up after too many crashes; one that waits is enough.
            tx.enqueue(Delete { template: id, whole_name: false }).await?;
        }
    }
    Ok(Deletion::Begun(vec![view(tx, id).await?]))
}

/// Deletes all languages of a name.
pub async fn delete_name(tx: &mut TenantTx, clock: &dyn Clock, named: NameInAccount) -> Result<NameDeletion, TemplateError> {
    let is_told = named.channel.is_some() || named.business_account_id.is_some();
    let (_, business_account_id) = match account_of(tx, named.channel, named.business_account_id).await {
        Err(TemplateError::Invalid(_)) if is_told => return Err(TemplateError::NoSuchName),
        account => account?,
    };
    let templates = store::of_name_locked(tx, &business_account_id, &named.name).await?;
    if templates.is_empty() {
        return Err(TemplateError::NoSuchName);
    }
    let ways = templates.iter().map(way_of).collect::<Result<Vec<_>, _>>()?;
    let of_way = |wanted: Way| {
        templates.iter().zip(&ways).filter(move |(_, way)| **way == wanted).map(|(template, _)| template.id).collect::<Vec<_>>()
    };
    let there = of_way(Way::There);
    know_unused(tx, &there).await?;
    // As of one template: the job of those that are being deleted may have been given up.
    if let Some(template) = there.first().or(of_way(Way::GoesOn).first()) {
        tx.enqueue(Delete { template: *template, whole_name: true }).await?;
    }
    let (mut begun, mut removed) = (Vec::new(), Vec::new());
    for (template, way) in templates.iter().zip(ways) {
        match way {
            Way::Nothing => continue,
            Way::Here => {
                store::delete(tx, template.id).await?;
                removed.push(template.id);
                continue;
            }
            Way::There => mark(tx, clock, template).await?,
            Way::GoesOn => {}
        }
        begun.push(view(tx, template.id).await?);
    }
    Ok(NameDeletion { business_account_id, begun, removed })
}

fn way_of(template: &Template) -> Result<Way, TemplateError> {
    match template.status.as_str() {
        status::DELETED => Ok(Way::Nothing),
        status::DELETING | status::PENDING_DELETION => Ok(Way::GoesOn),
        // The provider keeps it for ever.
        status::DISABLED => Err(TemplateError::NotDeletable(template.status.clone())),
        status::DRAFT | status::REJECTED if template.provider_id.is_none() => Ok(Way::Here),
        _ => Ok(Way::There),
    }
}

async fn know_unused(tx: &mut TenantTx, ids: &[TemplateId]) -> Result<(), TemplateError> {
    if store::campaigns_under_way(tx, ids).await?.is_empty() { Ok(()) } else { Err(TemplateError::InUse) }
}

async fn mark(tx: &mut TenantTx, clock: &dyn Clock, before: &Template) -> Result<(), TemplateError> {
    let template = Template { status: status::DELETING.into(), reason: None, ..before.clone() };
    news::record(tx, clock, before, template, Source::User).await?;
    Ok(())
}

/// What became of a template that a job deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::templates) enum Deleted {
    /// The provider has it no more.
    Gone,
    /// The provider deletes it once its messages are delivered.
    Pending,
    /// The provider would not delete it, or could not be asked.
    Refused(String),
}

/// A template that a job deletes.
#[derive(Clone, Debug)]
pub(in crate::templates) struct Doomed {
    /// The template.
    pub(in crate::templates) template: Template,
    /// What the provider was asked to take of it: while its id is not known, what says the same there is it.
    pub(in crate::templates) offered: Vec<Value>,
}

/// What a job has to delete: this template, or all of its name, as long as they are being deleted.
pub(in crate::templates) async fn deleting(tx: &mut TenantTx, job: Delete) -> Result<Vec<Doomed>, TemplateError> {
    let Some(template) = store::find(tx, job.template).await? else { return Ok(Vec::new()) };
    let found = if job.whole_name {
        store::of_name_locked(tx, &template.business_account_id, &template.name).await?
    } else {
        store::find_locked(tx, job.template).await?.into_iter().collect()
    };
    let mut doomed = Vec::new();
    for template in found.into_iter().filter(|template| template.status == status::DELETING) {
        let offered = if template.provider_id.is_none() { offered_contents(tx, template.id).await? } else { Vec::new() };
        doomed.push(Doomed { template, offered });
    }
    Ok(doomed)
}

/// Whether nothing here stays, or was begun since, that has the name of this template.
pub(in crate::templates) async fn is_name_free_of_others(tx: &mut TenantTx, template: &Template) -> Result<bool, TemplateError> {
    let named = store::of_name_locked(tx, &template.business_account_id, &template.name).await?;
    Ok(named.iter().all(|other| matches!(other.status.as_str(), status::DELETING | status::PENDING_DELETION)))
}

/// Writes down what became of one of them.
pub(in crate::templates) async fn delete_settled(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    id: TemplateId,
    deleted: &Deleted,
) -> Result<(), TemplateError> {
    let Some(before) = store::find_locked(tx, id).await?.filter(|template| template.status == status::DELETING) else { return Ok(()) };
    let mut template = before.clone();
    match deleted {
        Deleted::Gone => {
            template.status = status::DELETED.into();
            template.deleted_at = Some(clock.now());
            store::draft_delete(tx, id).await?;
        }
        Deleted::Pending => template.status = status::PENDING_DELETION.into(),
        Deleted::Refused(reason) => {
            let former = store::status_before(tx, id, status::DELETING).await?;
            // One that was being submitted may have been taken or not: submitting it again finds out.
            template.status = former.filter(|former| former != status::SUBMITTING).unwrap_or_else(|| status::DRAFT.into());
            template.reason = Some(format!("not deleted: {reason}"));
        }
    }
    news::record(tx, clock, &before, template, Source::Job).await?;
    Ok(())
}
