//! A runner with its poller and doorbell, and a job that tells the test when it starts.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use db::{Db, DbOptions, LedgerPool, testing::TestDatabase};
use kernel::{Clock, OrganizationId, SystemClock};
use queue::{
    Enqueue, Job, JobError, Ledger, Queue, Registry, Requirement, Resources, Services, Tenant,
    doorbell::{Doorbell, listen},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{poller, runner::Runner};

/// Reports its start, then takes as long as it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Probe {
    pub(super) number: u64,
    /// Runs until the worker stops, or for ever.
    pub(super) ending: Ending,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Ending {
    AtOnce,
    WhenStopped,
    Never,
}

#[derive(Clone, Debug)]
struct Starts(mpsc::UnboundedSender<(u64, Instant)>);

impl Job for Probe {
    const KIND: &'static str = "test.probe";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(1);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let _ = ctx.get::<Starts>()?.0.send((self.number, Instant::now()));
        match self.ending {
            Ending::AtOnce => Ok(()),
            Ending::WhenStopped => {
                ctx.stopped().await;
                Ok(())
            }
            Ending::Never => std::future::pending().await,
        }
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<Starts>()]
    }
}

pub(super) struct Rig {
    pub(super) database: TestDatabase,
    pub(super) runner: Runner,
    pub(super) stop: CancellationToken,
    db: Db,
    organization: OrganizationId,
    starts: Mutex<mpsc::UnboundedReceiver<(u64, Instant)>>,
}

impl Rig {
    /// A worker that polls at this interval, with the doorbell at `redis` if there is one.
    pub(super) async fn start(redis: Option<SecretString>, poll: Duration, slots: usize) -> Self {
        let database = TestDatabase::create().await;
        let stop = CancellationToken::new();
        let mut db = database.db();
        if let Some(url) = &redis {
            db = db.with_announcer(Arc::new(Doorbell::start(url).expect("an address")));
        }
        let (sender, starts) = mpsc::unbounded_channel();
        let resources = Resources::default().with(Starts(sender));
        let handlers = Registry::default().register::<Probe>().build(&resources).expect("a registry");
        let options = DbOptions { max_connections: 4, ..DbOptions::new(database.app_url(), "test-jobs") };
        let connections = LedgerPool::open(&options).expect("options");
        let ledger = Ledger::new(connections, handlers.kinds().collect::<Vec<_>>(), Duration::from_secs(30));
        let services = Services { db: db.clone(), clock: Arc::new(SystemClock), resources };
        let runner = Runner::new(ledger, handlers, services, slots, stop.clone());
        tokio::spawn(poller::poll(runner.clone(), poll, stop.clone()));
        if let Some(url) = redis {
            let (hearing, stop) = (runner.clone(), stop.clone());
            tokio::spawn(async move {
                let on_ring = move |ring| {
                    let runner = hearing.clone();
                    async move { runner.hear(ring).await }
                };
                listen(&url, stop, on_ring).await
            });
        }
        Self { database, runner, stop, db, organization: OrganizationId::at(SystemClock.now()), starts: Mutex::new(starts) }
    }

    /// Commits a job and answers when it was committed.
    pub(super) async fn commit(&self, number: u64, ending: Ending) -> Instant {
        let mut tx = self.db.tenant(self.organization).await.expect("begins");
        tx.enqueue(Probe { number, ending }).await.expect("enqueues");
        tx.commit().await.expect("commits");
        Instant::now()
    }

    /// The next start of a job, which must come within `patience`.
    pub(super) async fn started(&self, patience: Duration) -> (u64, Instant) {
        let next = std::future::poll_fn(|cx| self.starts.lock().expect("one reader").poll_recv(cx));
        timeout(patience, next).await.expect("a job starts in time").expect("the runner lives")
    }

    /// Commits one job and answers how long after the commit it started.
    pub(super) async fn latency(&self, number: u64, patience: Duration) -> Duration {
        let committed = self.commit(number, Ending::AtOnce).await;
        let (started, at) = self.started(patience).await;
        assert_eq!(started, number);
        at.saturating_duration_since(committed)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
