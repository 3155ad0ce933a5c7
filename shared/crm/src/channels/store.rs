//! All SQL of channels.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{ChannelId, Page, PageRequest};
use uuid::Uuid;

use super::model::{Channel, ChannelState, Reading};

struct ChannelRow {
    id: Uuid,
    display_name: String,
    phone_number_id: String,
    business_account_id: String,
    state: String,
    state_reason: Option<String>,
    messages_per_second: i32,
    display_phone_number: Option<String>,
    verified_name: Option<String>,
    quality: Option<String>,
    messaging_tier: Option<String>,
    throughput: Option<String>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ChannelRow> for Channel {
    type Error = DbError;

    fn try_from(row: ChannelRow) -> Result<Self, DbError> {
        let bad = |column| DbError::BadRow { table: "channels", id: row.id.to_string(), column };
        Ok(Self {
            id: row.id.into(),
            state: ChannelState::from_word(&row.state).ok_or_else(|| bad("state"))?,
            messages_per_second: u32::try_from(row.messages_per_second).map_err(|_| bad("messages_per_second"))?,
            display_name: row.display_name,
            phone_number_id: row.phone_number_id,
            business_account_id: row.business_account_id,
            state_reason: row.state_reason,
            display_phone_number: row.display_phone_number,
            verified_name: row.verified_name,
            quality: row.quality,
            messaging_tier: row.messaging_tier,
            throughput: row.throughput,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(super) async fn insert(tx: &mut TenantTx, channel: &Channel, sealed_token: &[u8]) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token,
                               messages_per_second, version, created_at, updated_at)
         values ($1, $2, 'cloudApi', $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        organization as _,
        channel.id as _,
        channel.display_name,
        channel.phone_number_id,
        channel.business_account_id,
        channel.state.as_str(),
        sealed_token,
        rate(channel.messages_per_second),
        channel.version,
        channel.created_at,
        channel.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut TenantTx, id: ChannelId) -> Result<Option<Channel>, DbError> {
    let row = sqlx::query_as!(
        ChannelRow,
        "select id, display_name, phone_number_id, business_account_id, state, state_reason, messages_per_second, display_phone_number,
                verified_name, quality, messaging_tier, throughput, version, created_at, updated_at
         from channels
         where id = $1",
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Channel::try_from).transpose()
}

/// Newest first.
pub(super) async fn page(tx: &mut TenantTx, request: PageRequest) -> Result<Page<Channel>, DbError> {
    let rows = sqlx::query_as!(
        ChannelRow,
        "select id, display_name, phone_number_id, business_account_id, state, state_reason, messages_per_second, display_phone_number,
                verified_name, quality, messaging_tier, throughput, version, created_at, updated_at
         from channels
         where ($1::uuid is null or id < $1)
         order by id desc
         limit $2",
        request.after.map(|cursor| cursor.0),
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let channels = rows.into_iter().map(Channel::try_from).collect::<Result<_, _>>()?;
    Ok(Page::from_rows(channels, request, |channel| channel.id.uuid()))
}

/// The channels of a business account; the connected ones, then the older ones first.
pub(super) async fn of_business_account(tx: &mut TenantTx, business_account_id: &str) -> Result<Vec<ChannelId>, DbError> {
    let ids = sqlx::query_scalar!(
        "select id
         from channels
         where business_account_id = $1
         order by (state = 'connected') desc, id
         limit 1000",
        business_account_id,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(ChannelId::from).collect())
}

pub(super) async fn token(tx: &mut TenantTx, id: ChannelId) -> Result<Option<Vec<u8>>, DbError> {
    Ok(sqlx::query_scalar!("select access_token from channels where id = $1", id as _).fetch_optional(tx.conn()).await?)
}

pub(super) async fn update(
    tx: &mut TenantTx,
    id: ChannelId,
    display_name: Option<&str>,
    messages_per_second: Option<u32>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update channels
         set display_name = coalesce($2, display_name), messages_per_second = coalesce($3, messages_per_second), updated_at = $4
         where id = $1",
        id as _,
        display_name,
        messages_per_second.map(rate),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes a new token; the channel has to connect again. Answers the new version.
pub(super) async fn replace_token(tx: &mut TenantTx, id: ChannelId, sealed: &[u8], now: DateTime<Utc>) -> Result<Option<i32>, DbError> {
    let version = sqlx::query_scalar!(
        "update channels
         set access_token = $2, state = 'connecting', state_reason = null, version = version + 1, updated_at = $3
         where id = $1
         returning version",
        id as _,
        sealed,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(version)
}

/// Connects the channel, unless its token was replaced meanwhile.
pub(super) async fn connect(
    tx: &mut TenantTx,
    id: ChannelId,
    version: i32,
    reading: &Reading,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update channels
         set state = 'connected', state_reason = null, display_phone_number = $3, verified_name = $4, quality = $5, messaging_tier = $6,
             throughput = $7, updated_at = $8
         where id = $1 and version = $2",
        id as _,
        version,
        reading.display_phone_number,
        reading.verified_name,
        reading.quality,
        reading.messaging_tier,
        reading.throughput,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes why the channel cannot be used, unless its token was replaced meanwhile.
pub(super) async fn disconnect(tx: &mut TenantTx, id: ChannelId, version: i32, reason: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update channels
         set state = 'disconnected', state_reason = $3, updated_at = $4
         where id = $1 and version = $2",
        id as _,
        version,
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes what the provider says about the quality or tier of a number.
pub(super) async fn update_quality(
    tx: &mut TenantTx,
    phone_number_id: &str,
    quality: Option<&str>,
    messaging_tier: Option<&str>,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "update channels
         set quality = coalesce($2, quality), messaging_tier = coalesce($3, messaging_tier), updated_at = $4
         where phone_number_id = $1 and state = 'connected'
           and (($2::text is not null and quality is distinct from $2) or ($3::text is not null and messaging_tier is distinct from $3))",
        phone_number_id,
        quality,
        messaging_tier,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn delete(tx: &mut TenantTx, id: ChannelId) -> Result<bool, DbError> {
    let done = sqlx::query!("delete from channels where id = $1", id as _).execute(tx.conn()).await?;
    Ok(done.rows_affected() > 0)
}

fn rate(messages_per_second: u32) -> i32 {
    i32::try_from(messages_per_second).unwrap_or(i32::MAX)
}
