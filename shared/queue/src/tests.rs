//! The ledger on a real database.

mod operators;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, testing::TestDatabase};
use kernel::{Clock, JobId, ManualClock, OrganizationId, SystemClock};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::{
    Enqueue, Held, Job, JobError, Ledger, Outcome, Purge, Queue, Registry, Requirement, Resources, System, Tenant,
    testing::{Ran, TestWorker, assert_enqueued, hurry, waiting},
};

/// What a probe does when it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Does {
    Succeed,
    Retry,
    Fail,
    Snooze,
    Panic,
    ProgressThenPanic,
    Hang,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Probe {
    does: Does,
    key: Option<String>,
}

impl Probe {
    fn new(does: Does) -> Self {
        Self { does, key: None }
    }

    fn keyed(key: &str) -> Self {
        Self { does: Does::Succeed, key: Some(key.into()) }
    }
}

impl Job for Probe {
    const KIND: &'static str = "test.probe";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_millis(100);
    const MAX_ATTEMPTS: u32 = 4;
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        match self.does {
            Does::Succeed => Ok(()),
            Does::Retry => Err(JobError::retry("the provider is away")),
            Does::Fail => Err(JobError::fail("this can never work")),
            Does::Snooze => Err(JobError::Snooze(Duration::from_mins(1))),
            Does::Panic => panic!("poison"),
            Does::ProgressThenPanic => {
                let mut tx = ctx.begin().await?;
                ctx.progress(&mut tx).await?;
                tx.commit().await?;
                panic!("after progress")
            }
            Does::Hang => std::future::pending().await,
        }
    }

    fn unique_key(&self) -> Option<String> {
        self.key.clone()
    }
}

/// Enqueues its successor until none is left, and needs a service.
#[derive(Debug, Serialize, Deserialize)]
struct Step {
    left: u32,
}

#[derive(Debug)]
struct Service;

impl Job for Step {
    const KIND: &'static str = "test.step";
    const QUEUE: Queue = Queue::Bulk;
    const TIMEOUT: Duration = Duration::from_secs(5);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let _service: &Service = ctx.get()?;
        let mut tx = ctx.begin("test").await?;
        if self.left > 0 {
            tx.enqueue(Self { left: self.left - 1 }).await?;
        }
        ctx.progress(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<Service>()]
    }
}

struct Bench {
    database: TestDatabase,
    db: Db,
    organization: OrganizationId,
}

impl Bench {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let db = database.db();
        Self { database, db, organization: OrganizationId::at(SystemClock.now()) }
    }

    fn worker(&self) -> TestWorker {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let registry = Registry::default().register::<Probe>().register::<Step>().register::<Purge>();
        TestWorker::new(&self.database, self.db.clone(), clock, registry, Resources::default().with(Service))
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(self.database.ledger(), [Probe::KIND], Duration::from_secs(30))
    }

    async fn enqueue(&self, job: impl Job) -> Option<JobId> {
        let mut tx = self.db.tenant(self.organization).await.expect("begins");
        let id = tx.enqueue(job).await.expect("enqueues");
        tx.commit().await.expect("commits");
        id
    }

    async fn row(&self, id: JobId) -> Row {
        let mut owner = self.database.owner().await;
        row(&mut owner, id).await
    }

    async fn expire_lease(&self, id: JobId) {
        let mut owner = self.database.owner().await;
        sqlx::query("update jobs set lease_until = now() - interval '1 second' where id = $1")
            .bind(id)
            .execute(&mut owner)
            .await
            .expect("updates");
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    state: String,
    attempts: i32,
    crashes: i32,
    fence: i64,
    last_error: Option<String>,
    run_at: DateTime<Utc>,
    now: DateTime<Utc>,
}

async fn row(owner: &mut PgConnection, id: JobId) -> Row {
    sqlx::query_as("select state, attempts, crashes, fence, last_error, run_at, now() as now from jobs where id = $1")
        .bind(id)
        .fetch_one(owner)
        .await
        .expect("the job is there")
}

fn outcomes(runs: &[Ran]) -> Vec<Outcome> {
    runs.iter().map(|run| run.outcome).collect()
}

#[tokio::test]
async fn a_rollback_takes_the_job_along() {
    let bench = Bench::new().await;
    let mut tx = bench.db.tenant(bench.organization).await.expect("begins");
    tx.enqueue(Probe::new(Does::Succeed)).await.expect("enqueues");
    tx.rollback().await.expect("rolls back");
    assert_eq!(waiting::<Probe>(&bench.database).await.len(), 0);
}

#[tokio::test]
async fn an_enqueued_job_runs_once_and_is_done() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Succeed)).await.expect("written");
    assert_enqueued(&bench.database, &Probe::new(Does::Succeed)).await;
    let worker = bench.worker();
    assert_eq!(outcomes(&worker.drain().await), [Outcome::Done]);
    assert_eq!(outcomes(&worker.drain().await), []);
    assert_eq!(bench.row(id).await.state, "done");
}

#[tokio::test]
async fn a_job_that_enqueues_its_successor_goes_on_to_the_end() {
    let bench = Bench::new().await;
    let mut tx = bench.db.system("test").await.expect("begins");
    tx.enqueue(Step { left: 5 }).await.expect("enqueues");
    tx.commit().await.expect("commits");
    assert_eq!(outcomes(&bench.worker().drain().await), [Outcome::Done; 6]);
}

#[tokio::test]
async fn work_of_an_organization_needs_its_name() {
    let bench = Bench::new().await;
    let mut tx = bench.db.system("test").await.expect("begins");
    tx.enqueue(Probe::new(Does::Succeed)).await.expect_err("no organization");
    let mut tx = bench.db.identity("test").await.expect("begins");
    tx.enqueue_for(bench.organization, Probe::new(Does::Succeed)).await.expect("enqueues").expect("written");
    tx.commit().await.expect("commits");
    assert_eq!(outcomes(&bench.worker().drain().await), [Outcome::Done]);
}

#[tokio::test]
async fn workers_that_claim_at_once_get_different_jobs() {
    let bench = Bench::new().await;
    let mut tx = bench.db.tenant(bench.organization).await.expect("begins");
    let written = tx.enqueue_all(vec![Probe::new(Does::Succeed); 200]).await.expect("enqueues");
    tx.commit().await.expect("commits");
    assert_eq!(written, 200);

    let claims = (0..8).map(|_| {
        let ledger = bench.ledger();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let batch = ledger.claim_batch(Queue::Default, 7).await.expect("claims");
                if batch.is_empty() {
                    return mine;
                }
                mine.extend(batch.into_iter().map(|claim| claim.id));
            }
        })
    });
    let mut all = Vec::new();
    for claim in futures::future::join_all(claims).await {
        all.extend(claim.expect("no panic"));
    }
    assert_eq!(all.len(), 200);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 200, "no job was given to two workers");
}

#[tokio::test]
async fn a_job_rung_for_twice_is_claimed_once() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Succeed)).await.expect("written");
    let ledger = bench.ledger();
    let (one, two) = tokio::join!(ledger.claim(id), ledger.claim(id));
    assert!(one.expect("answers").is_some() != two.expect("answers").is_some());
}

#[tokio::test]
async fn kinds_of_another_version_are_left_alone() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Succeed)).await.expect("written");
    let older = Ledger::new(bench.database.ledger(), ["test.other"], Duration::from_secs(30));
    assert!(older.claim(id).await.expect("answers").is_none());
    assert!(older.claim_batch(Queue::Default, 10).await.expect("answers").is_empty());
}

#[tokio::test]
async fn who_lost_the_lease_changes_nothing() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Succeed)).await.expect("written");
    let (frozen, other) = (bench.ledger(), bench.ledger());
    let stale = frozen.claim(id).await.expect("claims").expect("it waits").held();
    bench.expire_lease(id).await;
    assert_eq!(other.rescue().await.expect("rescues").waiting, 1);
    let fresh = other.claim(id).await.expect("claims").expect("it waits").held();

    assert_eq!(frozen.renew(&[stale]).await.expect("answers"), []);
    assert!(!frozen.complete(stale).await.expect("answers"));
    assert!(!frozen.retry(stale, Duration::ZERO, "late").await.expect("answers"));
    assert!(!frozen.snooze(stale, Duration::ZERO).await.expect("answers"));
    assert!(!frozen.bury(stale, "late").await.expect("answers"));
    assert_eq!(frozen.crash(stale, Duration::ZERO, "late").await.expect("answers"), None);

    assert_eq!(other.renew(&[fresh]).await.expect("answers"), [id]);
    assert!(other.complete(fresh).await.expect("answers"));
    let row = bench.row(id).await;
    assert_eq!((row.state.as_str(), row.fence), ("done", 2));
}

#[tokio::test]
async fn a_renewal_does_not_wait_for_a_job_that_commits_progress() {
    let bench = Bench::new().await;
    let (one, two) =
        (bench.enqueue(Probe::new(Does::Succeed)).await.expect("id"), bench.enqueue(Probe::new(Does::Succeed)).await.expect("id"));
    let ledger = bench.ledger();
    let held: Vec<Held> = ledger.claim_batch(Queue::Default, 2).await.expect("claims").iter().map(crate::Claim::held).collect();
    let mut owner = bench.database.owner().await;
    sqlx::query("begin").execute(&mut owner).await.expect("begins");
    sqlx::query("update jobs set progressed = true where id = $1").bind(one).execute(&mut owner).await.expect("locks");
    let mut ours = tokio::time::timeout(Duration::from_secs(5), ledger.renew(&held)).await.expect("at once").expect("answers");
    ours.sort_unstable();
    assert_eq!(ours, [one, two]);
}

#[tokio::test]
async fn three_crashes_without_progress_make_a_job_dead() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Succeed)).await.expect("written");
    let ledger = bench.ledger();
    for crashes in 1..=3 {
        ledger.claim(id).await.expect("claims").expect("it waits");
        bench.expire_lease(id).await;
        let rescue = ledger.rescue().await.expect("rescues");
        assert_eq!((rescue.waiting, rescue.dead), if crashes < 3 { (1, 0) } else { (0, 1) });
    }
    let row = bench.row(id).await;
    assert_eq!((row.state.as_str(), row.crashes, row.attempts), ("dead", 3, 0));
}

#[tokio::test]
async fn crashes_with_progress_between_them_do_not_count() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::ProgressThenPanic)).await.expect("written");
    let worker = bench.worker();
    for _ in 0..5 {
        hurry(&bench.database).await;
        assert_eq!(outcomes(&worker.drain().await), [Outcome::Crashed]);
    }
    assert_eq!(bench.row(id).await.crashes, 0);
}

#[tokio::test]
async fn a_job_that_panics_three_times_is_dead_with_the_reason() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Panic)).await.expect("written");
    let worker = bench.worker();
    let mut seen = Vec::new();
    for _ in 0..3 {
        hurry(&bench.database).await;
        seen.extend(outcomes(&worker.drain().await));
    }
    assert_eq!(seen, [Outcome::Crashed, Outcome::Crashed, Outcome::Dead]);
    assert_eq!(bench.row(id).await.last_error.as_deref(), Some("panicked: poison"));
}

#[tokio::test]
async fn a_retry_waits_and_the_last_one_is_dead() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Retry)).await.expect("written");
    let worker = bench.worker();
    for (attempt, bound) in [(1, 5), (2, 10), (3, 20)] {
        hurry(&bench.database).await;
        assert_eq!(outcomes(&worker.drain().await)[0], Outcome::Retry);
        let row = bench.row(id).await;
        assert!(row.attempts >= attempt && row.run_at <= row.now + TimeDelta::seconds(bound), "{row:?}");
    }
    hurry(&bench.database).await;
    worker.drain().await;
    let row = bench.row(id).await;
    assert_eq!((row.state.as_str(), row.attempts, row.last_error.as_deref()), ("dead", 4, Some("the provider is away")));
}

#[tokio::test]
async fn failing_is_final_and_a_timeout_is_a_retry() {
    let bench = Bench::new().await;
    bench.enqueue(Probe::new(Does::Fail)).await.expect("written");
    let worker = bench.worker();
    assert_eq!(outcomes(&worker.drain().await), [Outcome::Dead]);
    let id = bench.enqueue(Probe::new(Does::Hang)).await.expect("written");
    assert_eq!(worker.drain().await[0].outcome, Outcome::Retry);
    assert!(bench.row(id).await.last_error.expect("a reason").contains("timeout"));
}

#[tokio::test]
async fn a_snooze_spends_no_attempt() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Snooze)).await.expect("written");
    assert_eq!(outcomes(&bench.worker().drain().await), [Outcome::Snoozed]);
    let row = bench.row(id).await;
    assert_eq!((row.state.as_str(), row.attempts), ("waiting", 0));
    assert!(row.run_at > row.now + TimeDelta::seconds(50));
}

#[tokio::test]
async fn an_unreadable_payload_is_dead_at_once() {
    let bench = Bench::new().await;
    let id = bench.enqueue(Probe::new(Does::Succeed)).await.expect("written");
    let mut owner = bench.database.owner().await;
    sqlx::query("update jobs set payload = '{}' where id = $1").bind(id).execute(&mut owner).await.expect("updates");
    assert_eq!(outcomes(&bench.worker().drain().await), [Outcome::Dead]);
}

#[tokio::test]
async fn one_job_waits_for_each_key_of_an_organization() {
    let bench = Bench::new().await;
    let first = bench.enqueue(Probe::keyed("a")).await.expect("written");
    assert_eq!(bench.enqueue(Probe::keyed("a")).await, None);
    bench.enqueue(Probe::keyed("b")).await.expect("another key");
    let mut other = bench.db.tenant(OrganizationId::at(SystemClock.now())).await.expect("begins");
    other.enqueue(Probe::keyed("a")).await.expect("enqueues").expect("another organization");

    let ledger = bench.ledger();
    let held = ledger.claim(first).await.expect("claims").expect("it waits").held();
    bench.enqueue(Probe::keyed("a")).await.expect("the first one was started");
    assert!(ledger.retry(held, Duration::ZERO, "again").await.expect("waits beside its successor"));
}
