//! The worker's loop around the fold.

use std::{sync::Arc, time::Duration};

use db::{Db, DbError, DbOptions};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::fold::{Folded, Refused, bury, fold_batch};

/// PostgreSQL notification channel of stored requests.
pub const WEBHOOKS_CHANNEL: &str = "webhooks";

/// Bodies of one batch.
const MAX_BATCH: i64 = 500;
/// A batch smaller than this is followed by a short rest, so that the next one is bigger.
const SMALL_BATCH: usize = 250;
/// That rest: short against the second in which a status should be on the screen.
const REST: Duration = Duration::from_millis(25);
/// Looks at the queue without being told.
const POLL: Duration = Duration::from_secs(1);
/// Pause after a failure of the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Repeats of a batch that lost a deadlock.
const CONFLICT_TRIES: u32 = 5;

/// Applies stored webhook requests. Any number may run, in any number of workers: they share the queue by `skip locked`.
#[derive(Clone, Debug)]
pub struct Folder {
    db: Db,
    listen_url: SecretString,
}

impl Folder {
    /// Folds through `db`, and listens on a connection of its own to the server of `options`.
    pub fn new(db: Db, options: &DbOptions) -> Self {
        Self { db, listen_url: options.direct().clone() }
    }

    /// Folds until `stop`. A batch begun is brought to its end.
    pub async fn run(&self, stop: CancellationToken) {
        let woken = Arc::new(Notify::new());
        let listening = tokio::spawn(listen(self.listen_url.clone(), Arc::clone(&woken), stop.clone()));
        let mut limit = MAX_BATCH;
        while !stop.is_cancelled() {
            let rest = match self.batch(limit).await {
                Ok(folded) => {
                    limit = MAX_BATCH.min(limit * 2);
                    if folded.taken >= SMALL_BATCH { None } else { Some(folded) }
                }
                Err(Failure::Batch) => {
                    limit = 1.max(limit / 2);
                    None
                }
                Err(Failure::Database) => {
                    pause(&stop, AFTER_FAILURE).await;
                    None
                }
            };
            match rest {
                None => {}
                Some(folded) if folded.taken > 0 => pause(&stop, REST).await,
                Some(_) => {
                    tokio::select! {
                        () = woken.notified() => {}
                        () = tokio::time::sleep(POLL) => {}
                        () = stop.cancelled() => {}
                    }
                }
            }
        }
        let _ = listening.await;
    }

    /// Folds all that is due now, without waiting for more: for tests and tools.
    pub async fn drain(&self) -> Result<Folded, DbError> {
        let mut all = Folded::default();
        loop {
            let folded = fold_batch(&self.db, MAX_BATCH).await.map_err(|refused| refused.error)?;
            if folded.taken == 0 {
                return Ok(all);
            }
            all.taken += folded.taken;
            all.changed += folded.changed;
            all.dead += folded.dead;
            all.parked += folded.parked;
        }
    }

    /// One batch. When PostgreSQL refuses what a batch carries, smaller ones follow until the body that does it is alone, and given up.
    async fn batch(&self, limit: i64) -> Result<Folded, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let Refused { error, alone } = match fold_batch(&self.db, limit).await {
                Ok(folded) => return Ok(folded),
                Err(refused) => refused,
            };
            if error.is_conflict() && tries < CONFLICT_TRIES {
                tracing::debug!(error = &error as &dyn std::error::Error, "a batch of webhooks is folded again");
                tokio::time::sleep(Duration::from_millis(rand::random_range(5..50))).await;
                continue;
            }
            if !is_about_values(&error) {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot fold webhooks");
                return Err(Failure::Database);
            }
            let Some(alone) = alone else {
                tracing::warn!(error = &error as &dyn std::error::Error, "a batch of webhooks is folded in smaller parts");
                return Err(Failure::Batch);
            };
            tracing::error!(error = &error as &dyn std::error::Error, "a webhook request cannot be applied");
            let reason = format!("the database refused it: {}", error.code().unwrap_or_default());
            return match bury(&self.db, &alone, reason).await {
                Ok(()) => Err(Failure::Batch),
                Err(_) => Err(Failure::Database),
            };
        }
    }
}

enum Failure {
    /// The batch is to be made smaller.
    Batch,
    /// The database is to be given time.
    Database,
}

/// Whether the statement was refused for what it carried, as opposed to a server that is down, full or busy.
fn is_about_values(error: &DbError) -> bool {
    match error {
        DbError::BadRow { .. } | DbError::Sqlx(sqlx::Error::Encode(_)) => true,
        error => error
            .code()
            .is_some_and(|code| code.starts_with("21") || code.starts_with("22") || code.starts_with("23") || code.starts_with("54")),
    }
}

async fn pause(stop: &CancellationToken, time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.cancelled() => {}
    }
}

/// Wakes the loop for each announcement, and after each reconnection, because announcements may have been missed meanwhile.
async fn listen(url: SecretString, woken: Arc<Notify>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let listening = async {
            let mut listener = PgListener::connect(url.expose_secret()).await?;
            listener.listen(WEBHOOKS_CHANNEL).await?;
            loop {
                woken.notify_one();
                listener.try_recv().await?;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            ended = listening => {
                let Err::<std::convert::Infallible, sqlx::Error>(error) = ended;
                tracing::debug!(error = &error as &dyn std::error::Error, "not listening for stored webhooks; polling goes on");
            }
        }
        pause(&stop, AFTER_FAILURE).await;
    }
}
