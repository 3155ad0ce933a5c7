//! Use cases of channels.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{ChannelId, Clock, Page, PageRequest};
use queue::Enqueue;
use secrecy::SecretString;

use super::{
    error::ChannelError,
    jobs::Connect,
    model::{Channel, ChannelPatch, ChannelState, NewChannel, Reading},
    store,
};
use crate::{
    fields::FieldErrors,
    lanes,
    secrets::{Purpose, Vault},
};

/// What keeping channels needs besides the rows.
#[derive(Clone, Copy, Debug)]
pub struct Keeping<'a> {
    /// Seals tokens.
    pub vault: &'a Vault,
    /// Highest rate that the installation allows, in messages per second.
    pub max_messages_per_second: u32,
}

/// Creates a channel that connects: a job reads its number with the token.
pub async fn create(tx: &mut TenantTx, clock: &dyn Clock, keeping: Keeping<'_>, input: NewChannel) -> Result<Channel, ChannelError> {
    let input = input.validated(keeping.max_messages_per_second)?;
    let now = clock.now();
    let channel = Channel {
        id: ChannelId::at(now),
        display_name: input.display_name,
        phone_number_id: input.phone_number_id,
        business_account_id: input.business_account_id,
        state: ChannelState::Connecting,
        state_reason: None,
        messages_per_second: input.messages_per_second.unwrap_or(1),
        display_phone_number: None,
        verified_name: None,
        quality: None,
        messaging_tier: None,
        throughput: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let organization = tx.organization();
    let sealed = keeping.vault.seal(organization, Purpose::ChannelToken(channel.id), &input.access_token)?;
    store::insert(tx, &channel, &sealed).await?;
    tx.enqueue(Connect { channel: channel.id, version: channel.version }).await?;
    lanes::create(tx, organization, channel.id).await?;
    Ok(channel)
}

/// Reads a channel.
pub async fn get(tx: &mut TenantTx, id: ChannelId) -> Result<Channel, ChannelError> {
    store::find(tx, id).await?.ok_or(ChannelError::NotFound(id))
}

/// Lists channels, newest first.
pub async fn list(tx: &mut TenantTx, page: PageRequest) -> Result<Page<Channel>, ChannelError> {
    Ok(store::page(tx, page).await?)
}

/// The channels of a business account, connected ones first.
pub async fn of_business_account(tx: &mut TenantTx, business_account_id: &str) -> Result<Vec<ChannelId>, DbError> {
    store::of_business_account(tx, business_account_id).await
}

/// Changes a channel. A new token makes it connect again.
pub async fn patch(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    keeping: Keeping<'_>,
    id: ChannelId,
    patch: ChannelPatch,
) -> Result<Channel, ChannelError> {
    let patch = patch.validated(keeping.max_messages_per_second)?;
    let now = clock.now();
    let organization = tx.organization();
    if !store::update(tx, id, patch.display_name.as_deref(), patch.messages_per_second, now).await? {
        return Err(ChannelError::NotFound(id));
    }
    if let Some(token) = &patch.access_token {
        let sealed = keeping.vault.seal(organization, Purpose::ChannelToken(id), token)?;
        let version = store::replace_token(tx, id, &sealed, now).await?.ok_or(ChannelError::NotFound(id))?;
        tx.enqueue(Connect { channel: id, version }).await?;
    }
    let channel = get(tx, id).await?;
    if patch.access_token.is_some() || patch.messages_per_second.is_some() {
        lanes::signal(tx, organization, id).await?;
    }
    Ok(channel)
}

/// Deletes a channel that neither templates nor campaigns use.
pub async fn delete(tx: &mut TenantTx, id: ChannelId) -> Result<(), ChannelError> {
    if !store::delete(tx, id).await? {
        return Err(ChannelError::NotFound(id));
    }
    // Its lane finds the channel gone.
    let organization = tx.organization();
    lanes::signal(tx, organization, id).await?;
    Ok(())
}

/// Opens the token of a channel, for a call to the provider.
pub async fn access_token(tx: &mut TenantTx, vault: &Vault, id: ChannelId) -> Result<SecretString, ChannelError> {
    let sealed = store::token(tx, id).await?.ok_or(ChannelError::NotFound(id))?;
    Ok(vault.open(tx.organization(), Purpose::ChannelToken(id), &sealed)?)
}

/// Notes what the provider says of a connected number's quality or tier. Answers how many channels changed: 0 or 1.
pub async fn apply_quality(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    phone_number_id: &str,
    quality: Option<&str>,
    messaging_tier: Option<&str>,
) -> Result<u64, DbError> {
    store::update_quality(tx, phone_number_id, quality, messaging_tier, clock.now()).await
}

/// Connects a channel whose token proved itself. False when its token was replaced meanwhile or it is gone.
///
/// A number that is connected elsewhere fails with the constraint `channels_connected_number`.
pub(super) async fn connected(
    tx: &mut TenantTx,
    id: ChannelId,
    version: i32,
    reading: &Reading,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = store::connect(tx, id, version, reading, now).await?;
    if done {
        let organization = tx.organization();
        lanes::signal(tx, organization, id).await?;
    }
    Ok(done)
}

/// Notes why a channel cannot be used.
pub(super) async fn disconnected(tx: &mut TenantTx, id: ChannelId, version: i32, reason: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    if store::disconnect(tx, id, version, reason, now).await? {
        let organization = tx.organization();
        lanes::signal(tx, organization, id).await?;
    }
    Ok(())
}

/// An input that names no channel of the organization.
pub(crate) fn unknown_channel(field: &str) -> FieldErrors {
    let mut errors = FieldErrors::default();
    errors.add(field, "unknown", "the organization has no such channel");
    errors
}
