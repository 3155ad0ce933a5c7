//! For tests: runs what is due right here, and looks at what waits.

use std::{sync::Arc, time::Duration};

use db::{Db, DbOptions, LedgerPool, testing::TestDatabase};
use kernel::{JobId, SharedClock};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::{Handlers, Job, Ledger, Outcome, Queue, Registry, Resources, Services, Signals, execute};

/// A worker that runs jobs only when it is told to.
#[derive(Clone, Debug)]
pub struct TestWorker {
    ledger: Ledger,
    handlers: Handlers,
    services: Arc<Services>,
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The job.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// How it ended.
    pub outcome: Outcome,
}

impl TestWorker {
    /// A worker on `database`; `db` is what jobs open their transactions with.
    ///
    /// # Panics
    /// When the registry names a kind twice or a job lacks a service.
    pub fn new(database: &TestDatabase, db: Db, clock: SharedClock, registry: Registry, resources: Resources) -> Self {
        let handlers = registry.build(&resources).expect("a registry that can be used");
        let options = DbOptions { max_connections: 2, ..DbOptions::new(database.app_url(), "test-worker") };
        let pool = LedgerPool::open(&options).expect("options");
        let ledger = Ledger::new(pool, handlers.kinds().collect::<Vec<_>>(), Duration::from_secs(30));
        Self { ledger, handlers, services: Arc::new(Services { db, clock, resources }) }
    }

    /// Runs every due job, and those that they enqueue, until none is due. Retried and snoozed jobs wait for their time.
    ///
    /// # Panics
    /// When the database fails, or after 10,000 runs.
    pub async fn drain(&self) -> Vec<Ran> {
        let mut runs = Vec::new();
        loop {
            let mut claims = Vec::new();
            for queue in Queue::ALL {
                claims.extend(self.ledger.claim_batch(queue, 100).await.expect("the ledger answers"));
            }
            if claims.is_empty() {
                return runs;
            }
            for claim in claims {
                let (id, kind) = (claim.id, claim.kind.clone());
                let outcome = execute(&self.ledger, &self.handlers, Arc::clone(&self.services), claim, Signals::default()).await;
                runs.push(Ran { id, kind, outcome });
            }
            assert!(runs.len() <= 10_000, "jobs go on for ever: the last is {:?}", runs.last());
        }
    }
}

/// Payloads of the jobs of type `J` that wait, in the order in which they were enqueued.
///
/// # Panics
/// When the database fails.
pub async fn waiting<J: Job>(database: &TestDatabase) -> Vec<Value> {
    let mut owner: PgConnection = database.owner().await;
    let payloads = sqlx::query_scalar!("select payload from jobs where kind = $1 and state = 'waiting' order by created_at, id", J::KIND)
        .fetch_all(&mut owner)
        .await
        .expect("the test database answers");
    owner.close().await.expect("close");
    payloads
}

/// Fails unless just such a job waits.
///
/// # Panics
/// When it does not.
pub async fn assert_enqueued<J: Job>(database: &TestDatabase, job: &J) {
    let wanted = serde_json::to_value(job).expect("a payload");
    let found = waiting::<J>(database).await;
    assert!(found.contains(&wanted), "no job {} {wanted} waits, only {found:?}", J::KIND);
}

/// Has waiting jobs be due now, whatever they wait for. Answers how many were not.
///
/// # Panics
/// When the database fails.
pub async fn hurry(database: &TestDatabase) -> u64 {
    let mut owner = database.owner().await;
    let hurried = sqlx::query!("update jobs set run_at = now() where state = 'waiting' and run_at > now()")
        .execute(&mut owner)
        .await
        .expect("the test database answers")
        .rows_affected();
    owner.close().await.expect("close");
    hurried
}
