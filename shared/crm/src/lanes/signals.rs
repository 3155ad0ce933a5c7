//! The producers' side: a lane may have something new.

use db::{Announcement, DbError, Tx};
use kernel::{ChannelId, OrganizationId};

/// Makes the lane of a new number, owned by nobody.
pub async fn create(tx: &mut impl Tx, organization: OrganizationId, channel: ChannelId) -> Result<(), DbError> {
    sqlx::query!("insert into lanes (organization_id, channel_id) values ($1, $2) on conflict do nothing", organization as _, channel as _)
        .execute(tx.conn())
        .await?;
    signal(tx, organization, channel).await
}

/// Says that the lane may have something new. The last statement before the commit, which also announces it to the workers.
pub async fn signal(tx: &mut impl Tx, organization: OrganizationId, channel: ChannelId) -> Result<(), DbError> {
    sqlx::query!(
        "insert into lane_signals (organization_id, channel_id, wake_seq) values ($1, $2, 1)
         on conflict (organization_id, channel_id) do update set wake_seq = lane_signals.wake_seq + 1",
        organization as _,
        channel as _,
    )
    .execute(tx.conn())
    .await?;
    tx.announce(Announcement::Lane { channel });
    Ok(())
}
