//! Who answers a request, and what becomes of the answer.

use std::{pin::Pin, sync::Arc};

use chrono::{DateTime, Utc};
use db::{CommitGuard, Db, DbError};
use sqlx::PgConnection;

use super::{
    error::IdempotencyError,
    model::{Answer, Beginning, IdempotencyKey, KEPT_FOR, Sender, Turn},
    store::{self, KeyRow, State},
};
use crate::secrets::Vault;

/// Begins a request: it is answered now, or was answered before. `hash` stands for all that the request says.
pub async fn begin(
    db: &Db,
    vault: &Vault,
    now: DateTime<Utc>,
    (sender, key): (Sender, IdempotencyKey),
    hash: [u8; 32],
) -> Result<Beginning, IdempotencyError> {
    let mut tx = db.tenant(sender.organization).await?;
    let found = loop {
        if store::insert(&mut tx, now, &sender, &key, &hash).await? {
            tx.commit().await?;
            return Ok(Beginning::Turn(Turn { sender, key, attempt: 1 }));
        }
        // Between the two statements the key may have been given back.
        if let Some(found) = store::find_locked(&mut tx, &sender, &key).await? {
            break found;
        }
    };
    let turn = Turn { sender, key, attempt: found.attempt };
    if may_be_taken(&found, now, &hash)? {
        let turn = Turn { attempt: found.attempt + 1, ..turn };
        store::take_over(&mut tx, now, &turn, &hash).await?;
        tx.commit().await?;
        return Ok(Beginning::Turn(turn));
    }
    tx.rollback().await?;
    let sealed = found.answer.ok_or(IdempotencyError::AnswerLost)?;
    let text = vault.open(turn.sender.organization, turn.purpose(), &sealed)?;
    Answer::from_text(&text).map(Beginning::Answered).ok_or(IdempotencyError::AnswerLost)
}

/// Whether the next attempt may begin; false when there is an answer to be given again.
fn may_be_taken(found: &KeyRow, now: DateTime<Utc>, hash: &[u8; 32]) -> Result<bool, IdempotencyError> {
    let forgotten = found.created_at + KEPT_FOR <= now;
    let runs = found.lease_until > now;
    match found.state {
        State::Answered | State::Executed if forgotten => Ok(true),
        _ if found.request_hash != hash && !forgotten => Err(IdempotencyError::Reused),
        State::Answered => Ok(false),
        State::Running | State::Executed if runs => Err(IdempotencyError::InFlight),
        State::Executed => Err(IdempotencyError::AnswerLost),
        State::Running => Ok(true),
    }
}

/// What the commits of the request must ask: it marks the request as executed with the transaction that changes something, and refuses when
/// the turn was given to another.
pub fn guard(turn: &Turn) -> Arc<dyn CommitGuard> {
    Arc::new(Fence(turn.clone()))
}

#[derive(Debug)]
struct Fence(Turn);

impl CommitGuard for Fence {
    fn before_commit<'a>(&'a self, conn: &'a mut PgConnection) -> Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>> {
        Box::pin(async move {
            let written = store::bind_written(conn, &self.0.sender).await?;
            if !written || store::mark_executed(conn, &self.0).await? { Ok(()) } else { Err(DbError::Superseded) }
        })
    }
}

/// Keeps an answer for repetitions. Changes nothing when the turn was given to another.
pub async fn keep(db: &Db, vault: &Vault, turn: &Turn, answer: &Answer) -> Result<(), IdempotencyError> {
    let sealed = vault.seal(turn.sender.organization, turn.purpose(), &answer.to_text())?;
    let mut tx = db.tenant(turn.sender.organization).await?;
    store::save_answer(&mut tx, turn, &sealed).await?;
    Ok(tx.commit().await?)
}

/// Gives the turn back: a repetition begins anew. Changes nothing when the request took effect.
pub async fn give_back(db: &Db, turn: &Turn) -> Result<(), IdempotencyError> {
    let mut tx = db.tenant(turn.sender.organization).await?;
    store::delete_running(&mut tx, turn).await?;
    Ok(tx.commit().await?)
}

/// Forgets up to `limit` keys that are older than they need to be; says how many there were.
pub(super) async fn purge(tx: &mut db::SystemTx, now: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    store::delete_older(tx, now - KEPT_FOR, limit).await
}
