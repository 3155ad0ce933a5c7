//! Making organizations and changing their profile.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx, TenantTx};
use kernel::Clock;
use serde_json::json;

use super::{
    error::OrganizationError,
    model::{Organization, ProfilePatch, slug},
    store,
};
use crate::audit::{self, Act, Actor};

/// Makes an organization with a slug of its own: the name's, or that with six random characters behind it.
pub async fn create(tx: &mut IdentityTx, now: DateTime<Utc>, name: &str) -> Result<Organization, DbError> {
    let base = slug(name);
    let mut organization = Organization::new(now, name.to_owned(), base.clone());
    while !store::insert_if_free(tx, &organization).await? {
        organization.slug = format!("{base}-{:06x}", rand::random::<u32>() & 0x00ff_ffff);
    }
    Ok(organization)
}

/// The organization of the transaction.
pub async fn current(tx: &mut TenantTx) -> Result<Organization, OrganizationError> {
    store::find(tx).await?.ok_or(OrganizationError::NotFound)
}

/// Changes the profile of the organization of the transaction and records which fields; its slug stays. A patch that changes nothing leaves
/// no trace.
pub async fn patch(tx: &mut TenantTx, clock: &dyn Clock, actor: Actor, patch: ProfilePatch) -> Result<Organization, OrganizationError> {
    store::lock(tx).await?;
    let mut organization = current(tx).await?;
    let fields = organization.apply(patch)?;
    if fields.is_empty() {
        return Ok(organization);
    }
    let now = clock.now();
    organization.updated_at = now;
    store::update_profile(tx, &organization).await?;
    let act = Act::new(actor, "organizations.update").on("organizations", organization.id).with(json!({ "fields": fields }));
    audit::record(tx, organization.id, now, act).await?;
    Ok(organization)
}

/// Whether the organization of the transaction may send. A true answer holds until the end of the transaction: who deactivates it waits,
/// and then finds what this transaction set going.
pub async fn may_send(tx: &mut TenantTx) -> Result<bool, DbError> {
    store::lock_active(tx).await
}

/// Has whoever counts records of the organization against a limit come one after the other, until the transaction ends.
pub async fn lock(tx: &mut TenantTx) -> Result<(), DbError> {
    store::lock(tx).await
}
