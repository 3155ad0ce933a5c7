//! Making, changing and deleting roles.
//!
//! After the commit of a change the caller has [`crate::identity::Identity::forget_organization`] drop what this process remembers.

use db::TenantTx;
use kernel::{Clock, RoleId};

use super::{
    error::RoleError,
    model::{CustomRole, MOST, RoleDraft, RolePatch, is_reserved},
    store,
};
use crate::{identity::rights::Rights, organizations};

/// All roles of the organization's own, by name.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<CustomRole>, RoleError> {
    Ok(store::list(tx).await?)
}

/// One of them.
pub async fn show(tx: &mut TenantTx, id: RoleId) -> Result<CustomRole, RoleError> {
    store::find(tx, id).await?.ok_or(RoleError::NotFound(id))
}

/// Makes a role. `own` is what whoever asks may do: the role cannot have more.
pub async fn create(tx: &mut TenantTx, clock: &dyn Clock, own: Rights, draft: RoleDraft) -> Result<CustomRole, RoleError> {
    let role = CustomRole::new(clock.now(), draft)?;
    covered(own, role.rights)?;
    if is_reserved(&role.key) {
        return Err(RoleError::NameTaken);
    }
    // Of two at once, the second counts the first.
    organizations::service::lock(tx).await?;
    if store::count(tx).await? >= i64::try_from(MOST).unwrap_or(i64::MAX) {
        return Err(RoleError::TooMany(MOST));
    }
    store::insert(tx, &role).await.map_err(|error| match error.constraint() {
        Some("roles_key") => RoleError::NameTaken,
        _ => error.into(),
    })?;
    Ok(role)
}

/// Changes a role, which counts for its members within [`crate::identity::STANDING_TTL`]. Whoever asks needs the rights that it has and
/// those that it gets.
pub async fn patch(tx: &mut TenantTx, clock: &dyn Clock, own: Rights, id: RoleId, patch: RolePatch) -> Result<CustomRole, RoleError> {
    let mut role = locked(tx, own, id).await?;
    role.apply(clock.now(), patch)?;
    covered(own, role.rights)?;
    store::update(tx, &role).await?;
    Ok(role)
}

/// Deletes a role that nobody has.
pub async fn delete(tx: &mut TenantTx, own: Rights, id: RoleId) -> Result<CustomRole, RoleError> {
    let role = locked(tx, own, id).await?;
    store::delete(tx, id).await.map_err(|error| match error.constraint() {
        Some("memberships_custom_role") => RoleError::InUse,
        _ => error.into(),
    })?;
    Ok(role)
}

async fn locked(tx: &mut TenantTx, own: Rights, id: RoleId) -> Result<CustomRole, RoleError> {
    store::lock(tx, id).await?;
    let role = show(tx, id).await?;
    covered(own, role.rights)?;
    Ok(role)
}

fn covered(own: Rights, rights: Rights) -> Result<(), RoleError> {
    if own.include(rights) { Ok(()) } else { Err(RoleError::RightsExceeded) }
}
