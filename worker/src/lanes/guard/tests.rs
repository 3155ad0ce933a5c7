//! The guard against a real database and a folder of its own.

use std::path::PathBuf;

use db::{DbOptions, testing::TestDatabase};
use serde_json::{Value, json};

use super::*;

struct Watched {
    database: TestDatabase,
    owner: PgConnection,
    folder: tempfile::TempDir,
}

/// How a kept value is made another.
type Change = fn(&Value) -> Value;

/// A worker's guard and pool.
struct Worker {
    guard: Arc<Guard>,
    pool: LedgerPool,
}

impl Watched {
    /// A ledger with a run under way.
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let mut owner = database.owner().await;
        sqlx::query(
            "insert into campaign_runs (organization_id, campaign_id, channel_id, phone_number_id, state, category, content, unknown_policy,
                                        grace_seconds, audience, launched_at)
             values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '1', 'running', 'MARKETING', '{}', 'giveUp', 1, 0, now())",
        )
        .execute(&mut owner)
        .await
        .unwrap();
        Self { database, owner, folder: tempfile::tempdir().unwrap() }
    }

    fn worker(&self) -> Worker {
        let guard = Guard::new(ObjectStore::local(self.folder.path()).unwrap());
        let doorkeeper: Arc<dyn Doorkeeper> = guard.clone();
        let options = DbOptions { max_connections: 1, ..DbOptions::new(self.database.app_url(), "test") };
        Worker { guard, pool: LedgerPool::open_guarded(&options, &doorkeeper).unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(KEY)
    }

    fn kept(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap()
    }

    /// Changes what is kept, as if the database had been set back since.
    fn tamper(&self, field: &str, value: impl Fn(&Value) -> Value) {
        let mut kept = self.kept();
        kept[field] = value(&kept[field]);
        std::fs::write(self.file(), kept.to_string()).unwrap();
    }

    async fn run_state(&mut self) -> String {
        sqlx::query_scalar("select state from campaign_runs").fetch_one(&mut self.owner).await.unwrap()
    }

    async fn resume(&mut self) {
        sqlx::query("update campaign_runs set state = 'running'").execute(&mut self.owner).await.unwrap();
    }
}

impl Worker {
    async fn look(&self) -> anyhow::Result<()> {
        self.guard.look(&self.pool).await
    }

    fn is_trusted(&self) -> bool {
        self.guard.is_trusted(self.guard.term())
    }

    async fn reaches_the_ledger(&self) -> bool {
        let connecting = timeout(Duration::from_millis(200), self.pool.executor().acquire()).await;
        connecting.is_ok_and(|connected| connected.is_ok())
    }
}

#[tokio::test]
async fn the_same_ledger_stays_trusted_over_looks_and_workers() {
    let mut watched = Watched::new().await;
    let first = watched.worker();
    assert!(!first.is_trusted());
    assert!(!first.reaches_the_ledger().await, "nothing was checked yet");
    first.look().await.unwrap();
    assert!(first.is_trusted());
    assert!(first.reaches_the_ledger().await);
    let kept = watched.kept();

    let second = watched.worker();
    second.look().await.unwrap();
    first.look().await.unwrap();
    assert!(first.is_trusted() && second.is_trusted() && second.reaches_the_ledger().await);
    assert!(watched.kept()["walPosition"].as_i64() > kept["walPosition"].as_i64());
    assert_eq!(watched.kept()["restores"], 0);
    assert_eq!(watched.run_state().await, "running");
}

#[tokio::test]
async fn another_ledger_or_an_earlier_one_pauses_what_runs_and_is_adopted() {
    let mut watched = Watched::new().await;
    watched.worker().look().await.unwrap();
    let cases: [(&str, Change); 4] = [
        ("systemIdentifier", |identifier| json!(identifier.as_i64().unwrap() + 1)),
        ("timeline", |_| json!("00000009")),
        ("walPosition", |position| json!(position.as_i64().unwrap() + (1 << 40))),
        ("beatAt", |_| json!("2100-01-01T00:00:00Z")),
    ];
    for (restores, (field, change)) in (1..).zip(cases) {
        watched.tamper(field, change);
        let worker = watched.worker();
        worker.look().await.unwrap();
        assert_eq!(watched.run_state().await, "paused", "{field}");
        assert_eq!(watched.kept()["restores"], restores);
        assert!(worker.is_trusted(), "a person may resume");

        watched.resume().await;
        worker.look().await.unwrap();
        watched.worker().look().await.unwrap();
        assert_eq!(watched.run_state().await, "running", "{field} was dealt with");
    }
}

#[tokio::test]
async fn a_ledger_set_back_under_a_worker_is_found_by_the_next_connection() {
    let mut watched = Watched::new().await;
    let (finder, other) = (watched.worker(), watched.worker());
    finder.look().await.unwrap();
    other.look().await.unwrap();
    assert!(other.reaches_the_ledger().await, "it has a connection from before");
    let term = finder.guard.term();
    sqlx::query("update ledger_beats set at = at - interval '1 hour'").execute(&mut watched.owner).await.unwrap();

    assert!(!finder.reaches_the_ledger().await);
    assert!(!finder.guard.is_trusted(term), "nothing is sent from here on");
    assert_eq!(watched.run_state().await, "running", "not yet dealt with");
    finder.look().await.unwrap();
    assert_eq!(watched.run_state().await, "paused");
    assert!(!finder.guard.is_trusted(term), "what was claimed before stays unsent");
    assert!(finder.is_trusted() && finder.reaches_the_ledger().await);

    // The other worker learns it from the object store: what a person resumed meanwhile goes on.
    watched.resume().await;
    assert!(other.guard.keeps(Duration::ZERO));
    let before = other.guard.known().adopted;
    other.look().await.unwrap();
    assert_eq!(watched.run_state().await, "running");
    assert!(other.is_trusted() && !other.guard.is_trusted(term));
    assert!(other.guard.known().adopted > before, "its connections from before are not used again");
    assert!(other.reaches_the_ledger().await);
}

#[tokio::test]
async fn without_the_object_store_a_worker_goes_on_with_what_it_saw_but_none_begins() {
    let mut watched = Watched::new().await;
    let worker = watched.worker();
    worker.look().await.unwrap();
    let folder = watched.folder.path().join("guard");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "not a folder").unwrap();

    worker.look().await.unwrap();
    assert!(worker.is_trusted());
    let late = watched.worker();
    late.look().await.unwrap_err();
    assert!(!late.is_trusted());

    std::fs::remove_file(&folder).unwrap();
    worker.look().await.unwrap();
    late.look().await.unwrap();
    assert!(late.is_trusted());
    assert_eq!(watched.run_state().await, "running");
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_cannot_be_looked_at_is_trusted_for_ten_seconds() {
    let guard = Guard::new(ObjectStore::local(tempfile::tempdir().unwrap().path()).unwrap());
    guard.trusted.send_replace(true);
    tokio::time::advance(UNSEEN.saturating_sub(Duration::from_millis(1))).await;
    assert!(guard.is_trusted(0));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!guard.is_trusted(0));
}
