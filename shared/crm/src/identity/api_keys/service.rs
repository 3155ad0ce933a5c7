//! Making, listing and revoking keys.
//!
//! After the commit of a revocation the caller has [`crate::identity::Identity::forget_key`] drop what this process remembers.

use db::TenantTx;
use kernel::{ApiKeyId, Clock, Page, PageRequest};

use super::{
    error::ApiKeyError,
    key::NewKey,
    model::{ApiKey, ApiKeyDraft, Maker},
    store,
};
use crate::organizations;

/// Most keys that an organization can have at a time, ended ones among them until they are revoked.
const MOST: i64 = 100;

/// Keys that were not revoked, newest first.
pub async fn list(tx: &mut TenantTx, request: PageRequest) -> Result<Page<ApiKey>, ApiKeyError> {
    Ok(store::list(tx, request).await?)
}

/// Makes a key. Its text is known now and never again.
pub async fn create(tx: &mut TenantTx, clock: &dyn Clock, maker: Maker, draft: &ApiKeyDraft) -> Result<(ApiKey, NewKey), ApiKeyError> {
    let text = NewKey::random();
    let key = ApiKey::new(clock.now(), maker.user, text.prefix.clone(), draft)?;
    if !maker.rights.include(key.rights) {
        return Err(ApiKeyError::RightsExceeded);
    }
    // Of two at once, the second counts the first.
    organizations::service::lock(tx).await?;
    if store::count(tx).await? >= MOST {
        return Err(ApiKeyError::TooMany(MOST));
    }
    store::insert(tx, &key, &text.hash()).await?;
    Ok((key, text))
}

/// Ends a key for good, which counts within [`crate::identity::STANDING_TTL`].
pub async fn revoke(tx: &mut TenantTx, clock: &dyn Clock, id: ApiKeyId) -> Result<(), ApiKeyError> {
    if store::revoke(tx, clock.now(), id).await? { Ok(()) } else { Err(ApiKeyError::NotFound(id)) }
}
