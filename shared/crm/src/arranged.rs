//! For the tests of domains: a database with two organizations, a clock, a folder for files, and a worker that runs jobs on demand.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use db::{Db, TenantTx, testing::TestDatabase};
use kernel::{ManualClock, OrganizationId, SharedClock};
use providers::{
    objects::ObjectStore,
    whatsapp::{CloudClient, CloudOptions},
};
use queue::{Registry, Resources, testing::TestWorker};
use tempfile::TempDir;

use crate::{channels, contacts, secrets::Vault, templates};

/// Everything a use case needs.
pub(crate) struct Arranged {
    pub(crate) database: TestDatabase,
    pub(crate) db: Db,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) organization: OrganizationId,
    pub(crate) other: OrganizationId,
    pub(crate) files: ObjectStore,
    folder: TempDir,
}

pub(crate) fn vault() -> Vault {
    Vault::new("test", &STANDARD.encode([3; 32]).into()).unwrap()
}

impl Arranged {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let start: DateTime<Utc> = "2026-03-01T10:00:00Z".parse().unwrap();
        let mut owner = database.owner().await;
        let [organization, other] = [OrganizationId::at(start), OrganizationId::at(start)];
        for id in [organization, other] {
            sqlx::query(
                "insert into organizations (id, name, slug, created_at, updated_at) values ($1, 'Test', 'test-' || $1, now(), now())",
            )
            .bind(id)
            .execute(&mut owner)
            .await
            .unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let files = ObjectStore::local(folder.path()).unwrap();
        Self { db: database.db(), database, clock: Arc::new(ManualClock::new(start)), organization, other, files, folder }
    }

    pub(crate) async fn begin(&self) -> TenantTx {
        self.db.tenant(self.organization).await.unwrap()
    }

    /// A worker whose provider is at `graph_url`.
    pub(crate) fn worker(&self, graph_url: &str) -> TestWorker {
        let client = CloudClient::new(CloudOptions {
            graph_url: graph_url.to_owned(),
            version: "v25.0".into(),
            connect_timeout: std::time::Duration::from_secs(2),
            request_timeout: std::time::Duration::from_secs(5),
            max_idle: 4,
        })
        .unwrap();
        let registry = Registry::default()
            .register::<channels::jobs::Connect>()
            .register::<contacts::import::Import>()
            .register::<templates::jobs::Delete>()
            .register::<templates::jobs::Poll>()
            .register::<templates::jobs::Reconcile>()
            .register::<templates::jobs::Refresh>()
            .register::<templates::jobs::Submit>()
            .register::<templates::jobs::Sync>();
        let resources =
            Resources::default().with(client).with(vault()).with(self.files.clone()).with(templates::media::ProviderApp::new("app"));
        let clock: SharedClock = self.clock.clone();
        TestWorker::new(&self.database, self.db.clone(), clock, registry, resources)
    }

    /// A worker that needs no provider.
    pub(crate) fn offline_worker(&self) -> TestWorker {
        self.worker("http://127.0.0.1:9")
    }

    /// Files that are kept.
    pub(crate) fn kept_files(&self) -> usize {
        self.kept_paths().len()
    }

    /// Where they are.
    pub(crate) fn kept_paths(&self) -> Vec<std::path::PathBuf> {
        fn paths(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.flat_map(|path| if path.is_dir() { paths(&path) } else { vec![path] }).collect()
        }
        paths(self.folder.path())
    }

    /// What the owner sees.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        let mut owner = self.database.owner().await;
        sqlx::query_scalar(query).fetch_one(&mut owner).await.unwrap()
    }
}
