//! What people and the scheduler do with stored requests.

use db::{Db, DbError, SystemTx, TenantTx};
use kernel::{Clock, OrganizationId, Page, PageRequest, WebhookEventId};

use super::{Event, EventFilter, WebhookError, store};
use crate::audit::{self, Act, Actor};

/// Requests of the organization, and those that belong to nobody, the newest first.
pub async fn list(tx: &mut TenantTx, filter: &EventFilter, page: PageRequest) -> Result<Page<Event>, WebhookError> {
    let events = store::list(tx, filter, page).await?;
    Ok(Page::from_rows(events, page, |event| event.id.uuid()))
}

/// One request, with its body if it belongs to the organization.
pub async fn find(tx: &mut TenantTx, id: WebhookEventId) -> Result<Event, WebhookError> {
    store::find(tx, id).await?.ok_or(WebhookError::NotFound(id))
}

/// Applies a request once more. What it said already changes nothing.
///
/// Two transactions: the right to see it is asked as the tenant, the queue is the system's.
pub async fn replay(
    db: &Db,
    clock: &dyn Clock,
    organization: OrganizationId,
    actor: Actor,
    id: WebhookEventId,
) -> Result<Event, WebhookError> {
    let mut tx = db.tenant(organization).await?;
    let event = store::find(&mut tx, id).await?.ok_or(WebhookError::NotFound(id))?;
    tx.rollback().await?;
    let mut tx = db.system("replay a webhook event").await?;
    store::replay(&mut tx, &event).await?;
    let act = Act::new(actor, "webhookEvents.replay").on("webhookEvents", id);
    audit::record(&mut tx, organization, clock.now(), act).await?;
    tx.commit().await?;
    let mut tx = db.tenant(organization).await?;
    let event = store::find(&mut tx, id).await?.ok_or(WebhookError::NotFound(id))?;
    tx.rollback().await?;
    Ok(event)
}

/// Makes the partitions of the coming days and drops those in which everything is older than 30 days, by the clock of the database; answers
/// how many were dropped. Safe to repeat.
pub async fn maintain(tx: &mut SystemTx) -> Result<i32, DbError> {
    store::maintain_partitions(tx).await
}
