//! Storing webhook requests: many callers, one writer, one statement for whoever waits (a group commit).
//!
//! A caller is answered after the commit that holds its body, and by an error when there is none: then the provider repeats the request.
//! Nothing is read from a body here, so none can do harm; what it means is found out by the [`super::Folder`].

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use db::{DbError, LedgerPool};
use kernel::{SharedClock, WebhookEventId};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use super::store;

/// Bodies of one statement.
const MAX_GROUP: usize = 500;
/// Bytes of the bodies of one statement, about.
const MAX_GROUP_BYTES: usize = 8 << 20;
/// A group of this size is worth a commit of its own.
const GOOD_GROUP: usize = 64;
/// Longest wait of a body for company.
const LONGEST_WAIT: Duration = Duration::from_millis(20);
/// A group nobody joined for this long is not waited for any more: whoever is here waits for our answers.
const QUIET: Duration = Duration::from_millis(3);
/// Requests that may wait.
const MAX_WAITING: usize = 8_192;
/// Bytes that may wait, in units of [`UNIT`].
const MAX_WAITING_UNITS: usize = (96 << 20) / UNIT;
const UNIT: usize = 1 << 10;
/// Time between two announcements.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(10);

/// Why a body was not stored. To the provider both are a 503: it repeats the request.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// More wait already than can be held, or the process is stopping.
    #[error("too many webhook requests are waiting to be stored")]
    Busy,
    /// The database did not take it.
    #[error("cannot store the webhook request")]
    Store,
}

/// A body on its way, with whoever waits for it.
#[derive(Debug)]
struct Waiting {
    id: WebhookEventId,
    app: i16,
    body: Bytes,
    answer: oneshot::Sender<Result<(), IntakeError>>,
    _room: OwnedSemaphorePermit,
}

/// The door of the raw store. One for each process; cheap to use from every request.
#[derive(Debug)]
pub struct Intake {
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    room: Arc<Semaphore>,
    clock: SharedClock,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Intake {
    /// Starts the writer. It uses one connection of `pool` for storing and now and then a second one for announcing.
    pub fn start(pool: LedgerPool, clock: SharedClock) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let writer = tokio::spawn(write(Writer { announcer: Announcer::start(pool.clone()), pool }, waiting));
        Self { queue: Mutex::new(Some(queue)), room: Arc::new(Semaphore::new(MAX_WAITING_UNITS)), clock, writer: Mutex::new(Some(writer)) }
    }

    /// Stores a verified body; `app` is the number of the secret that verified it. When it returns an id, body and queue entry are durable.
    pub async fn store(&self, app: i16, body: Bytes) -> Result<WebhookEventId, IntakeError> {
        let units = u32::try_from(body.len() / UNIT + 1).map_err(|_| IntakeError::Busy)?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(units).map_err(|_| IntakeError::Busy)?;
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(IntakeError::Busy)?;
        let id = WebhookEventId::at(self.clock.now());
        let (answer, answered) = oneshot::channel();
        queue.try_send(Waiting { id, app, body, answer, _room: room }).map_err(|_| IntakeError::Busy)?;
        drop(queue);
        answered.await.unwrap_or(Err(IntakeError::Store))?;
        Ok(id)
    }

    /// Takes no more, stores what waits, and returns when everybody was answered.
    pub async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the writer of webhook requests ended badly");
        }
    }
}

struct Writer {
    pool: LedgerPool,
    announcer: Announcer,
}

async fn write(writer: Writer, mut waiting: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while let Some(first) = waiting.recv().await {
        group.push(first);
        gather(&mut group, &mut waiting).await;
        metrics::histogram!("webhook_intake_group_size").record(f64::from(u32::try_from(group.len()).unwrap_or(u32::MAX)));
        writer.store(std::mem::take(&mut group)).await;
    }
}

/// Fills the group with whoever waits already; while they are few, waits a little for company.
async fn gather(group: &mut Vec<Waiting>, waiting: &mut mpsc::Receiver<Waiting>) {
    let latest = Instant::now() + LONGEST_WAIT;
    let mut bytes: usize = group.iter().map(|one| one.body.len()).sum();
    while group.len() < MAX_GROUP && bytes < MAX_GROUP_BYTES {
        let next = match waiting.try_recv() {
            Ok(next) => Some(next),
            Err(_) if group.len() >= GOOD_GROUP => None,
            Err(_) => timeout_at(latest.min(Instant::now() + QUIET), waiting.recv()).await.ok().flatten(),
        };
        let Some(next) = next else { break };
        bytes += next.body.len();
        group.push(next);
    }
}

impl Writer {
    /// Stores a group; one that fails is repeated in halves, so that what fails alone fails alone.
    async fn store(&self, group: Vec<Waiting>) {
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            match self.insert(&group).await {
                Ok(()) => {
                    self.announcer.announce();
                    metrics::counter!("webhook_requests_stored_total").increment(group.len() as u64);
                    for one in group {
                        let _ = one.answer.send(Ok(()));
                    }
                }
                Err(error) if group.len() > 1 && is_about_values(&error) => {
                    groups.push(group.split_off(group.len() / 2));
                    groups.push(group);
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        requests = group.len(),
                        "cannot store {} webhook requests",
                        group.len()
                    );
                    metrics::counter!("webhook_requests_refused_total").increment(group.len() as u64);
                    for one in group {
                        let _ = one.answer.send(Err(IntakeError::Store));
                    }
                }
            }
        }
    }

    async fn insert(&self, group: &[Waiting]) -> Result<(), DbError> {
        let ids: Vec<_> = group.iter().map(|one| one.id.uuid()).collect();
        let apps: Vec<_> = group.iter().map(|one| one.app).collect();
        let bodies: Vec<&[u8]> = group.iter().map(|one| &one.body[..]).collect();
        store::insert_bodies(&self.pool, &ids, &apps, &bodies).await
    }
}

/// Whether the statement was refused for what it carried, as opposed to a server that is down, full or busy.
fn is_about_values(error: &DbError) -> bool {
    error.code().is_some_and(|code| ["21", "22", "23", "54"].contains(&&code[..2]))
}

/// Tells folders that something waits: best effort, one announcement at a time, never in the way of a commit.
#[derive(Debug)]
struct Announcer {
    wanted: Arc<Notify>,
    ended: Arc<AtomicBool>,
}

impl Announcer {
    fn start(pool: LedgerPool) -> Self {
        let wanted = Arc::new(Notify::new());
        let ended = Arc::new(AtomicBool::new(false));
        tokio::spawn({
            let (wanted, ended) = (Arc::clone(&wanted), Arc::clone(&ended));
            async move {
                loop {
                    wanted.notified().await;
                    if let Err(error) = store::announce(&pool).await {
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            "stored webhook requests were not announced; the poll will find them"
                        );
                    }
                    if ended.load(Ordering::Acquire) {
                        return;
                    }
                    tokio::time::sleep(ANNOUNCE_EVERY).await;
                }
            }
        });
        Self { wanted, ended }
    }

    fn announce(&self) {
        self.wanted.notify_one();
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.wanted.notify_one();
    }
}
