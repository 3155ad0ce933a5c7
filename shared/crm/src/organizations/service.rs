//! Making organizations and changing their profile.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx, TenantTx};
use kernel::OrganizationId;

use super::{
    error::OrganizationError,
    model::{Organization, slug},
    store,
};

/// Makes an organization with a slug of its own: the name's, or that with six random characters behind it.
pub async fn create(tx: &mut IdentityTx, now: DateTime<Utc>, name: &str) -> Result<Organization, DbError> {
    let base = slug(name);
    let mut organization =
        Organization { id: OrganizationId::at(now), name: name.to_owned(), slug: base.clone(), created_at: now, updated_at: now };
    while !store::insert_if_free(tx, &organization).await? {
        organization.slug = format!("{base}-{:06x}", rand::random::<u32>() & 0x00ff_ffff);
    }
    Ok(organization)
}

/// The organization of the transaction.
pub async fn current(tx: &mut TenantTx) -> Result<Organization, OrganizationError> {
    store::find(tx).await?.ok_or(OrganizationError::NotFound)
}

/// Gives the organization of the transaction another name, 1 to 200 characters; its slug stays.
pub async fn rename(tx: &mut TenantTx, now: DateTime<Utc>, name: &str) -> Result<Organization, OrganizationError> {
    store::rename(tx, now, name).await?.ok_or(OrganizationError::NotFound)
}
