//! Runs jobs: one limit per queue, fed by rings and by the poller, with the leases of all running jobs renewed together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use db::DbError;
use queue::{Claim, Handlers, Held, Ledger, Queue, Services, Signals, doorbell::Ring, execute};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a ring waits for a slot: a poll holds all free slots for as long as its statement takes.
const RING_PATIENCE: Duration = Duration::from_millis(50);
/// How long jobs that were cut off have to be given back.
const GIVE_BACK_PATIENCE: Duration = Duration::from_secs(5);

/// Runs jobs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Runner(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    handlers: Handlers,
    services: Arc<Services>,
    lines: HashMap<Queue, Line>,
    running: Mutex<HashMap<Held, CancellationToken>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    abort: CancellationToken,
}

/// What one queue may do.
#[derive(Debug)]
struct Line {
    slots: Arc<Semaphore>,
    total: usize,
    /// Somebody rang while no slot was free: the next free one looks at once.
    missed: Notify,
}

/// What a poll found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// As much as there was room for: more may wait.
    Full,
    /// All that waits.
    Rest,
}

impl Runner {
    /// A runner that gives `slots` to a queue of short work and takes nothing once `stop` is cancelled.
    pub fn new(ledger: Ledger, handlers: Handlers, services: Services, slots: usize, stop: CancellationToken) -> Self {
        let lines = Queue::ALL.into_iter().map(|queue| {
            let total = queue.share_of(slots);
            (queue, Line { slots: Arc::new(Semaphore::new(total)), total, missed: Notify::new() })
        });
        Self(Arc::new(Inner {
            ledger,
            handlers,
            services: Arc::new(services),
            lines: lines.collect(),
            running: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
            abort: CancellationToken::new(),
        }))
    }

    /// The ledger it takes from.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// Takes the job that was rung for, unless somebody has it already or no slot is free.
    pub async fn hear(&self, ring: Ring) {
        let line = self.line(ring.queue);
        let Ok(Ok(slot)) = timeout(RING_PATIENCE, Arc::clone(&line.slots).acquire_owned()).await else {
            line.missed.notify_one();
            return;
        };
        let _claiming = self.0.tasks.token();
        if self.0.stop.is_cancelled() {
            return;
        }
        match self.0.ledger.claim(ring.job).await {
            Ok(Some(claim)) => self.start(claim, slot),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "a ring was not followed; the poller will see the job"),
        }
    }

    /// Waits for a free slot of the queue, then takes as many due jobs as there are free slots. Must not be dropped half-way: what the
    /// statement took would be lost until its lease ends.
    pub async fn poll(&self, queue: Queue) -> Result<Poll, DbError> {
        let line = self.line(queue);
        let Some(Ok(first)) = self.0.stop.run_until_cancelled(Arc::clone(&line.slots).acquire_owned()).await else {
            return Ok(Poll::Rest);
        };
        let mut slots = vec![first];
        while let Ok(slot) = Arc::clone(&line.slots).try_acquire_owned() {
            slots.push(slot);
        }
        let _claiming = self.0.tasks.token();
        if self.0.stop.is_cancelled() {
            return Ok(Poll::Rest);
        }
        let claims = self.0.ledger.claim_batch(queue, slots.len()).await?;
        let found = if claims.len() == slots.len() { Poll::Full } else { Poll::Rest };
        for (claim, slot) in claims.into_iter().zip(slots) {
            self.start(claim, slot);
        }
        Ok(found)
    }

    /// Done when a ring for the queue met no free slot.
    pub async fn missed_ring(&self, queue: Queue) {
        self.line(queue).missed.notified().await;
    }

    /// Renews the leases of all running jobs once; a job whose claim is lost is cut off.
    pub async fn renew(&self) -> Result<(), DbError> {
        let held: Vec<Held> = self.running().keys().copied().collect();
        if held.is_empty() {
            return Ok(());
        }
        let ours = self.0.ledger.renew(&held).await?;
        let running = self.running();
        for held in held.iter().filter(|held| !ours.contains(&held.id)) {
            // A job that ended meanwhile is no longer in the list.
            if let Some(lost) = running.get(held) {
                lost.cancel();
            }
        }
        Ok(())
    }

    /// Jobs that run now, and how many may, per queue.
    pub fn occupancy(&self) -> impl Iterator<Item = (Queue, usize, usize)> {
        self.0.lines.iter().map(|(queue, line)| (*queue, line.total - line.slots.available_permits(), line.total))
    }

    /// Lets running jobs finish for `patience`, then cuts off the rest and gives them back. Call it once `stop` is cancelled.
    pub async fn drain(&self, patience: Duration) {
        self.0.tasks.close();
        if timeout(patience, self.0.tasks.wait()).await.is_ok() {
            return;
        }
        let left = self.0.tasks.len();
        tracing::warn!(jobs = left, "{left} jobs still run {} s after the stop: giving them back", patience.as_secs());
        self.0.abort.cancel();
        if timeout(GIVE_BACK_PATIENCE, self.0.tasks.wait()).await.is_err() {
            tracing::error!("some jobs were not given back; their leases will end");
        }
    }

    fn line(&self, queue: Queue) -> &Line {
        &self.0.lines[&queue]
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<Held, CancellationToken>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, claim: Claim, slot: OwnedSemaphorePermit) {
        let runner = self.clone();
        let held = claim.held();
        let signals = Signals { stop: self.0.stop.clone(), abort: self.0.abort.clone(), lost: CancellationToken::new() };
        self.running().insert(held, signals.lost.clone());
        self.0.tasks.spawn(async move {
            let inner = &runner.0;
            execute(&inner.ledger, &inner.handlers, Arc::clone(&inner.services), claim, signals).await;
            runner.running().remove(&held);
            drop(slot);
        });
    }
}
