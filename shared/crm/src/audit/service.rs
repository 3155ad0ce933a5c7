//! Recording acts, and reading them.

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx, TenantTx, Tx};
use kernel::{OrganizationId, Page, PageRequest};

use super::{
    anchor::Anchored,
    chain::Canonical,
    model::{Act, AuditEvent, AuditFilter},
    store,
};

/// Appends `act` to the log of `organization`, in the caller's transaction.
///
/// Locks the end of the organization's chain until the transaction ends: call it last before the commit, and for several organizations in
/// the order of their ids.
pub async fn record<T: Tx>(tx: &mut T, organization: OrganizationId, now: DateTime<Utc>, act: Act) -> Result<(), DbError> {
    debug_assert!(tx.organization_scope().is_none_or(|scope| scope == organization), "the log of another organization");
    let head = store::lock_head(tx, organization).await?;
    let actor_id = act.actor.id();
    // The database keeps microseconds, and the hash is over what it keeps.
    let at = DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now);
    let details = act.details.to_string();
    let entry = Canonical {
        organization,
        seq: head.seq + 1,
        at,
        actor_kind: act.actor.kind().as_str(),
        actor_id: actor_id.as_deref(),
        action: act.action,
        target_kind: act.target.as_ref().map(|target| target.kind),
        target_id: act.target.as_ref().map(|target| target.id.as_str()),
        details: &details,
    };
    store::append(tx, &entry, head.then(&entry)).await
}

/// Entries of the organization, newest first.
pub async fn list(tx: &mut TenantTx, filter: &AuditFilter, page: PageRequest) -> Result<Page<AuditEvent>, DbError> {
    store::list(tx, filter, page).await
}

/// The newest links of up to `limit` chains behind that of `after`, by organization.
pub async fn heads(tx: &mut SystemTx, after: Option<OrganizationId>, limit: i64) -> Result<Vec<Anchored>, DbError> {
    let heads = store::heads(tx, after, limit).await?;
    Ok(heads.into_iter().map(|(organization, link)| Anchored { organization, link }).collect())
}
