//! The guard of the ledger: nothing is sent on the word of a ledger that lost its end.
//!
//! Intents are safe against every crash, but not against a database that was set back: restored from a backup, put back to a snapshot,
//! or promoted from a replica that lagged. Rows that were sent in between would show as planned, and be sent again. So the facts that tell
//! a ledger from its own past ([`LedgerFacts`]) are kept in memory and in the object store, and compared
//!
//! * on every connection of the lanes' pool, before its first statement (the [`Doorkeeper`]);
//! * every 5 s on a connection made for it, which finds out where new connections lead while old ones still hold; this look also beats.
//!
//! A difference stops the wire at once, pauses all campaigns as `ledgerRestored`, turns what may have been sent in the gap into `unknown`,
//! and adopts the new facts; a person resumes. A ledger of which nothing was ever kept is adopted.
//!
//! Several workers share the object: the higher count of restores wins, then the higher position. Reading, comparing and writing are not one
//! step, so a worker may hide a slightly higher position of another until that one's next beat, 5 s later at most. Two workers that find the
//! same restore at the same instant both deal with it; the second changes nothing, unless a person has resumed in between and has to do so
//! again.
//!
//! Not detected: what was lost of the last 5 s, or since the object store last took a beat, while all workers were dead; and a
//! ledger and an object store that were set back together. Nothing lost at all takes synchronous replication.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use chrono::TimeDelta;
use crm::campaigns::ledger::{self, Gap, LedgerFacts};
use db::{DbError, Doorkeeper, LedgerPool};
use futures::TryStreamExt;
use providers::objects::{ObjectError, ObjectKey, ObjectStore};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// Where the facts are kept in the object store.
const KEY: &str = "guard/ledger.json";
/// Time between two looks, each with a beat.
const EVERY: Duration = Duration::from_secs(5);
/// Time to the next look when one failed.
const SOON: Duration = Duration::from_secs(1);
/// Longest wait for a connection, and for the object store.
const PATIENCE: Duration = Duration::from_secs(1);
/// Nothing is written later than this after the last beat: it bounds what a restored ledger can be ignorant of.
const UNSEEN: Duration = Duration::from_secs(10);

/// Whether the ledger may be trusted, and what is known of it.
#[derive(Debug)]
pub(crate) struct Guard {
    objects: ObjectStore,
    known: Mutex<Known>,
    trusted: watch::Sender<bool>,
    suspicion: Notify,
}

#[derive(Debug)]
struct Known {
    kept: Option<Kept>,
    /// The last beat of this worker.
    beat: Instant,
    /// Connections made before this may lead to a database that is no longer the ledger.
    adopted: Instant,
}

impl Known {
    fn term(&self) -> u64 {
        self.kept.as_ref().map_or(0, |kept| kept.restores)
    }
}

/// What is kept of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// How often a ledger that had lost its end was adopted.
    restores: u64,
    #[serde(flatten)]
    facts: LedgerFacts,
}

impl Kept {
    fn newest(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter().chain(other).max_by_key(|kept| (kept.restores, kept.facts.wal_position))
    }
}

impl Guard {
    /// A guard that trusts nothing yet.
    pub(crate) fn new(objects: ObjectStore) -> Arc<Self> {
        let now = Instant::now();
        let known = Mutex::new(Known { kept: None, beat: now, adopted: now });
        Arc::new(Self { objects, known, trusted: watch::Sender::new(false), suspicion: Notify::new() })
    }

    /// Names the ledger as it is now: what was read and claimed under another term is not sent.
    pub(crate) fn term(&self) -> u64 {
        self.known().term()
    }

    /// Whether messages of that term may be claimed and written.
    pub(crate) fn is_trusted(&self, term: u64) -> bool {
        let known = self.known();
        known.term() == term && known.beat.elapsed() < UNSEEN && *self.trusted.borrow()
    }

    /// Waits until the ledger is trusted.
    pub(crate) async fn trusted(&self) {
        // The sender lives as long as the guard.
        let _ = self.trusted.subscribe().wait_for(|trusted| *trusted).await;
    }

    /// Looks at the ledger again and again until `stop`.
    pub(crate) async fn watch(&self, pool: &LedgerPool, stop: CancellationToken) {
        loop {
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = self.look(pool) => looked,
            };
            if let Err(error) = &looked {
                tracing::warn!(error = format!("{error:#}"), "the ledger could not be checked");
                if self.known().beat.elapsed() >= UNSEEN {
                    self.trusted.send_replace(false);
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.suspicion.notified() => {}
                () = tokio::time::sleep(if looked.is_ok() { EVERY } else { SOON }) => {}
            }
        }
    }

    /// One look: compares, deals with a difference, beats, and keeps what it saw.
    async fn look(&self, pool: &LedgerPool) -> anyhow::Result<()> {
        // What is kept is read before the facts are: then those of the same ledger can only be higher.
        let stored = self.read().await;
        let kept = match (&stored, self.known().kept.clone()) {
            (Ok(stored), kept) => Kept::newest(kept, stored.clone()),
            (Err(error), Some(kept)) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "what is kept of the ledger cannot be read; going on with what this worker saw"
                );
                Some(kept)
            }
            (Err(error), None) => anyhow::bail!("nothing is sent before `{KEY}` was read from the object store: {error:#}"),
        };
        let mut connection = pool.connect_apart(PATIENCE).await?;
        let found = ledger::ledger_facts(&mut connection).await?.context("the database cannot be written to")?;
        let difference = kept.as_ref().and_then(|kept| Some((kept, found.difference(&kept.facts)?)));
        let restores = match difference {
            None => kept.as_ref().map_or(0, |kept| kept.restores),
            Some((kept, difference)) => {
                self.trusted.send_replace(false);
                tracing::error!(difference, ?kept, ?found, "the ledger was restored or replaced ({difference}): all campaigns are paused");
                metrics::counter!("ledger_restores_total").increment(1);
                let unseen = TimeDelta::from_std(UNSEEN)?;
                let campaigns = ledger::pause_restored(&mut connection).await?;
                let rows = ledger::doubt_restored(&mut connection, Gap::between(&found, &kept.facts, unseen)).await?;
                tracing::error!(
                    campaigns,
                    rows,
                    "{campaigns} campaigns wait for a person; {rows} messages may have been sent and are unknown"
                );
                kept.restores + 1
            }
        };
        let asked = Instant::now();
        let facts = ledger::ledger_beat(&mut connection).await?.context("the database cannot be written to")?;
        connection.close().await.ok();
        let seen = Kept { restores, facts };
        {
            let mut known = self.known();
            if known.term() < restores {
                known.adopted = Instant::now();
            }
            known.kept = Some(seen.clone());
            known.beat = asked;
        }
        self.trusted.send_replace(true);
        // One that could not be read may be higher.
        if stored.is_ok()
            && let Err(error) = self.write(&seen).await
        {
            tracing::warn!(error = format!("{error:#}"), "what this worker saw of the ledger cannot be kept");
        }
        Ok(())
    }

    /// What is kept in the object store; none when nothing ever was.
    async fn read(&self) -> anyhow::Result<Option<Kept>> {
        let reading = async {
            match self.objects.get(&ObjectKey::of_installation(KEY), 0).await {
                Ok(object) => Ok(Some(object.bytes.try_collect::<Vec<Bytes>>().await?.concat())),
                Err(ObjectError::NotFound) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let Some(bytes) = timeout(PATIENCE, reading).await.context("the object store does not answer")?? else { return Ok(None) };
        serde_json::from_slice(&bytes).context("it is not what a guard writes")
    }

    async fn write(&self, kept: &Kept) -> anyhow::Result<()> {
        let bytes = Bytes::from(serde_json::to_vec(kept)?);
        let key = ObjectKey::of_installation(KEY);
        timeout(PATIENCE, self.objects.put_bytes(&key, bytes)).await.context("the object store does not answer")??;
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn is_kept(&self, connection: &mut PgConnection) -> Result<bool, DbError> {
        // As in a look: kept first, then the facts.
        let kept = self.known().kept.clone();
        let found = ledger::ledger_facts(connection).await?;
        let (Some(kept), Some(found)) = (kept, found) else { return Ok(false) };
        let same = found.difference(&kept.facts).is_none();
        if !same {
            self.trusted.send_replace(false);
            self.suspicion.notify_one();
        }
        Ok(same)
    }
}

impl Doorkeeper for Guard {
    fn admit<'c>(&'c self, connection: &'c mut PgConnection) -> Pin<Box<dyn Future<Output = Result<bool, DbError>> + Send + 'c>> {
        Box::pin(self.is_kept(connection))
    }

    fn keeps(&self, age: Duration) -> bool {
        age < self.known().adopted.elapsed()
    }
}

#[cfg(test)]
mod tests;
