//! Permission that the provider tells us is gone.

use db::{DbError, LedgerPool};

use crate::lanes::LaneKey;

/// Records that the person behind `address` wants no marketing any more. An exception that is there already stays as it is.
pub async fn except_from_marketing(pool: &LedgerPool, lane: LaneKey, address: &str) -> Result<(), DbError> {
    sqlx::query!(
        "insert into contact_exceptions (organization_id, address, scope, reason, created_at)
         values ($1, $2, 'marketing', 'optedOut', clock_timestamp())
         on conflict do nothing",
        lane.organization as _,
        address,
    )
    .execute(pool.executor())
    .await?;
    Ok(())
}
