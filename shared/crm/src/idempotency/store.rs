//! All SQL of keys.

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx, TenantTx};
use sqlx::PgConnection;

use super::model::{IdempotencyKey, LEASE, Sender, Turn};

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Executed,
    Answered,
}

/// The row of a key.
pub(super) struct KeyRow {
    pub(super) request_hash: Vec<u8>,
    pub(super) attempt: i32,
    pub(super) state: State,
    pub(super) lease_until: DateTime<Utc>,
    pub(super) answer: Option<Vec<u8>>,
    pub(super) created_at: DateTime<Utc>,
}

/// Takes a key that nobody has used; false when somebody has.
pub(super) async fn insert(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    sender: &Sender,
    key: &IdempotencyKey,
    hash: &[u8],
) -> Result<bool, DbError> {
    let organization = tx.organization();
    let inserted = sqlx::query!(
        "insert into idempotency_keys (organization_id, actor, key, request_hash, attempt, state, lease_until, created_at)
         values ($1, $2, $3, $4, 1, 'running', $5, $6)
         on conflict (organization_id, actor, key) do nothing",
        organization as _,
        sender.actor,
        key.as_str(),
        hash,
        now + LEASE,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// The row of a key, locked until the end of the transaction.
pub(super) async fn find_locked(tx: &mut TenantTx, sender: &Sender, key: &IdempotencyKey) -> Result<Option<KeyRow>, DbError> {
    let row = sqlx::query!(
        "select request_hash, attempt, state, lease_until, answer, created_at
         from idempotency_keys
         where actor = $1 and key = $2
         for update",
        sender.actor,
        key.as_str(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        let state = match row.state.as_str() {
            "running" => State::Running,
            "executed" => State::Executed,
            "answered" => State::Answered,
            _ => return Err(DbError::BadRow { table: "idempotency_keys", id: sender.actor.clone(), column: "state" }),
        };
        Ok(KeyRow {
            request_hash: row.request_hash,
            attempt: row.attempt,
            state,
            lease_until: row.lease_until,
            answer: row.answer,
            created_at: row.created_at,
        })
    })
    .transpose()
}

/// Gives the key to the next attempt, which may be another request when the old one is forgotten.
pub(super) async fn take_over(tx: &mut TenantTx, now: DateTime<Utc>, turn: &Turn, hash: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "update idempotency_keys
         set attempt = $3, state = 'running', request_hash = $4, lease_until = $5, answer = null, created_at = $6
         where actor = $1 and key = $2",
        turn.sender.actor,
        turn.key.as_str(),
        turn.attempt,
        hash,
        now + LEASE,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether the transaction has changed anything so far. Binds it to the organization: nothing but [`mark_executed`] follows.
pub(super) async fn bind_written(conn: &mut PgConnection, sender: &Sender) -> Result<bool, DbError> {
    let written = sqlx::query_scalar!(
        r#"select pg_current_xact_id_if_assigned() is not null as "written!"
           from (select set_config('role', 'crm_tenant', true), set_config('app.organization_id', $1, true)) as bound"#,
        sender.organization.to_string(),
    )
    .fetch_one(conn)
    .await?;
    Ok(written)
}

/// Says that the request takes effect with this transaction; false when its turn was given to another.
pub(super) async fn mark_executed(conn: &mut PgConnection, turn: &Turn) -> Result<bool, DbError> {
    let marked = sqlx::query!(
        "update idempotency_keys
         set state = 'executed'
         where actor = $1 and key = $2 and attempt = $3 and state in ('running', 'executed')",
        turn.sender.actor,
        turn.key.as_str(),
        turn.attempt,
    )
    .execute(conn)
    .await?;
    Ok(marked.rows_affected() > 0)
}

/// Keeps the answer; false when the turn was given to another.
pub(super) async fn save_answer(tx: &mut TenantTx, turn: &Turn, sealed: &[u8]) -> Result<bool, DbError> {
    let saved = sqlx::query!(
        "update idempotency_keys
         set state = 'answered', answer = $4
         where actor = $1 and key = $2 and attempt = $3 and state in ('running', 'executed')",
        turn.sender.actor,
        turn.key.as_str(),
        turn.attempt,
        sealed,
    )
    .execute(tx.conn())
    .await?;
    Ok(saved.rows_affected() > 0)
}

/// Forgets a key whose request did not take effect.
pub(super) async fn delete_running(tx: &mut TenantTx, turn: &Turn) -> Result<(), DbError> {
    sqlx::query!(
        "delete from idempotency_keys where actor = $1 and key = $2 and attempt = $3 and state = 'running'",
        turn.sender.actor,
        turn.key.as_str(),
        turn.attempt,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets up to `limit` keys from before `before`; says how many there were.
pub(super) async fn delete_older(tx: &mut SystemTx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let deleted = sqlx::query!(
        "delete from idempotency_keys
         where (organization_id, actor, key) in (
             select organization_id, actor, key
             from idempotency_keys
             where created_at < $1
             order by created_at
             limit $2
             for update skip locked
         )",
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}
