//! Renews all leases of the worker, on a thread and a connection of its own: nothing that the worker does can delay it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use crm::lanes::{self, LaneKey, LaneRate};
use db::{DbOptions, LedgerPool};
use kernel::SharedClock;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::hold::{Asked, Hold};

/// The lanes that this worker holds.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<HashMap<LaneKey, Arc<Hold>>>);

impl Holds {
    pub(crate) fn insert(&self, hold: &Arc<Hold>) {
        self.lock().insert(hold.key, Arc::clone(hold));
    }

    /// Forgets a lane, unless it was taken anew meanwhile.
    pub(crate) fn remove(&self, hold: &Hold) {
        let mut holds = self.lock();
        if holds.get(&hold.key).is_some_and(|held| held.fence == hold.fence) {
            holds.remove(&hold.key);
        }
    }

    fn all(&self) -> Vec<Arc<Hold>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<LaneKey, Arc<Hold>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the renewal needs.
pub(crate) struct Renewal {
    pub(crate) options: DbOptions,
    pub(crate) owner: Uuid,
    pub(crate) lease: Duration,
    pub(crate) every: Duration,
    pub(crate) clock: SharedClock,
    pub(crate) holds: Arc<Holds>,
    /// Ends the renewal; cancelled only after the last lane was given back.
    pub(crate) stop: CancellationToken,
}

impl Renewal {
    /// Starts the thread.
    pub(crate) fn start(self) -> anyhow::Result<std::thread::JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the renewal's runtime")?;
        std::thread::Builder::new()
            .name("lane-renewal".into())
            .spawn(move || runtime.block_on(self.run()))
            .context("cannot start the renewal's thread")
    }

    async fn run(self) {
        let options = DbOptions { max_connections: 1, statement_timeout: self.every, ..self.options.clone() };
        let pool = match LedgerPool::open_with_lock_timeout(&options, Duration::from_secs(1)) {
            Ok(pool) => pool,
            Err(error) => {
                tracing::error!(%error, "lanes cannot be renewed: the database address is unusable");
                return;
            }
        };
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let holds = self.holds.all();
            if !holds.is_empty() && tokio::time::timeout(self.every, self.renew(&pool, &holds)).await.is_err() {
                tracing::warn!(lanes = holds.len(), "renewing the lanes took too long");
            }
        }
        pool.close().await;
    }

    async fn renew(&self, pool: &LedgerPool, holds: &[Arc<Hold>]) {
        let asked = Asked::now(&self.clock);
        let rates: Vec<LaneRate> = holds.iter().map(|hold| hold.rate()).collect();
        let answer = async {
            let mut connection = pool.executor().acquire().await?;
            lanes::renew(&mut connection, self.owner, self.lease, &rates).await
        };
        match answer.await {
            Ok(renewed) => {
                for hold in holds {
                    if renewed.contains(&(hold.key, hold.fence)) {
                        hold.renew(asked);
                    } else {
                        tracing::warn!(channel.id = %hold.key.channel, "lane {}: not renewed", hold.key.channel);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, lanes = holds.len(), "the lanes were not renewed"),
        }
    }
}
