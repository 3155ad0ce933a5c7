//! The lane of an account: the provider takes so many new templates of it in an hour, whoever asks.
//!
//! A place is taken before the provider is asked, so two workers never ask once too often; what was surely not created gives its place back.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, SystemTx};
use kernel::TemplateId;
use queue::Tenant;
use uuid::Uuid;

use super::store;

/// Creations that the provider takes of an account in [`HOUR`].
///
/// # Source
/// Meta, "Message templates": 100 per hour and WhatsApp Business Account.
pub(super) const CREATIONS_PER_HOUR: i64 = 100;
/// For how long a creation counts.
const HOUR: TimeDelta = TimeDelta::hours(1);
/// Those who wait for the same place come back spread over this time.
const SPREAD: Duration = Duration::from_secs(30);

/// A place that was taken.
#[derive(Debug)]
pub(super) struct Place {
    business_account_id: String,
    id: Uuid,
}

/// What came of asking for a place.
#[derive(Debug)]
pub(super) enum Turn {
    /// The provider may be asked to create one template.
    Now(Place),
    /// None is free for so long.
    In(Duration),
}

/// Asks for a place in the lane of an account.
pub(super) async fn take(ctx: &Tenant, business_account_id: &str) -> Result<Turn, DbError> {
    let mut tx = ctx.begin_across("an account may belong to several organizations, and creates so many templates in an hour").await?;
    let turn = take_at(&mut tx, business_account_id, ctx.now()).await?;
    tx.commit().await?;
    Ok(turn)
}

pub(super) async fn take_at(tx: &mut SystemTx, business_account_id: &str, now: DateTime<Utc>) -> Result<Turn, DbError> {
    store::creations_lock(tx, business_account_id).await?;
    store::creations_forget(tx, business_account_id, now - HOUR).await?;
    if let Some(wait) = full_for_at(tx, business_account_id, now).await? {
        return Ok(Turn::In(wait));
    }
    let place = Place { business_account_id: business_account_id.to_owned(), id: TemplateId::at(now).uuid() };
    store::creations_insert(tx, business_account_id, now, place.id).await?;
    Ok(Turn::Now(place))
}

/// For how long no place is free, without taking one: who has much to prepare asks before that.
pub(super) async fn full_for(ctx: &Tenant, business_account_id: &str) -> Result<Option<Duration>, DbError> {
    let mut tx = ctx.begin_across("an account may belong to several organizations, and creates so many templates in an hour").await?;
    let wait = full_for_at(&mut tx, business_account_id, ctx.now()).await?;
    tx.rollback().await?;
    Ok(wait)
}

async fn full_for_at(tx: &mut SystemTx, business_account_id: &str, now: DateTime<Utc>) -> Result<Option<Duration>, DbError> {
    let oldest = store::creations_nth(tx, business_account_id, CREATIONS_PER_HOUR - 1).await?;
    let wait = oldest.map(|leaves| leaves + HOUR - now).filter(|wait| *wait > TimeDelta::zero());
    Ok(wait.map(|wait| wait.to_std().unwrap_or_default() + SPREAD.mul_f64(rand::random())))
}

/// Gives a place back, because nothing was created.
pub(super) async fn give_back(ctx: &Tenant, place: Place) -> Result<(), DbError> {
    let mut tx = ctx.begin_across("a place in the lane of an account was not used").await?;
    store::creations_delete(&mut tx, &place.business_account_id, place.id).await?;
    tx.commit().await
}
