//! All SQL of the change of keys: reads sealed columns in batches, and replaces what has not changed meanwhile.

use db::{DbError, IdentityTx, TenantTx};
use kernel::{ChannelId, OrganizationId, UserId};

/// Up to `limit` organizations behind `after`, by id.
pub(super) async fn organizations(tx: &mut IdentityTx, after: Option<OrganizationId>, limit: i64) -> Result<Vec<OrganizationId>, DbError> {
    let ids = sqlx::query_scalar!(
        "select id from organizations where ($1::uuid is null or id > $1) order by id limit $2",
        after.map(OrganizationId::uuid),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(OrganizationId::from).collect())
}

pub(super) async fn channel_tokens(tx: &mut TenantTx, after: Option<ChannelId>, limit: i64) -> Result<Vec<(ChannelId, Vec<u8>)>, DbError> {
    let rows = sqlx::query!(
        "select id, access_token from channels where ($1::uuid is null or id > $1) order by id limit $2",
        after.map(ChannelId::uuid),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.access_token)).collect())
}

pub(super) async fn replace_channel_token(tx: &mut TenantTx, id: ChannelId, old: &[u8], new: &[u8]) -> Result<bool, DbError> {
    let done = sqlx::query!("update channels set access_token = $3 where id = $1 and access_token = $2", id as _, old, new)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Actor and key of an idempotency key.
pub(super) type AnswerKey = (String, String);

pub(super) async fn answers(tx: &mut TenantTx, after: Option<&AnswerKey>, limit: i64) -> Result<Vec<(AnswerKey, Vec<u8>)>, DbError> {
    let rows = sqlx::query!(
        r#"select actor, key, answer as "answer!"
           from idempotency_keys
           where answer is not null and ($1::text is null or (actor, key) > ($1, $2))
           order by actor, key
           limit $3"#,
        after.map(|(actor, _)| actor.as_str()),
        after.map(|(_, key)| key.as_str()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| ((row.actor, row.key), row.answer)).collect())
}

pub(super) async fn replace_answer(tx: &mut TenantTx, (actor, key): &AnswerKey, old: &[u8], new: &[u8]) -> Result<bool, DbError> {
    let done = sqlx::query!("update idempotency_keys set answer = $4 where actor = $1 and key = $2 and answer = $3", actor, key, old, new,)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn totp_secrets(tx: &mut IdentityTx, after: Option<UserId>, limit: i64) -> Result<Vec<(UserId, Vec<u8>)>, DbError> {
    let rows = sqlx::query!(
        "select user_id, secret from two_step where ($1::uuid is null or user_id > $1) order by user_id limit $2",
        after.map(UserId::uuid),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id.into(), row.secret)).collect())
}

pub(super) async fn replace_totp_secret(tx: &mut IdentityTx, user: UserId, old: &[u8], new: &[u8]) -> Result<bool, DbError> {
    let done =
        sqlx::query!("update two_step set secret = $3 where user_id = $1 and secret = $2", user as _, old, new).execute(tx.conn()).await?;
    Ok(done.rows_affected() == 1)
}
