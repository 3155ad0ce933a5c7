//! A database of its own for each test: a clone of a template that is migrated once per set of migrations.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use crate::{Db, DbOptions, LedgerPool, migrate, migrations::fingerprint};

/// Names the setting that says where the cluster of the tests is: `postgres://` of a superuser.
pub const CLUSTER_SETTING: &str = "HELIOGRAPH_TEST_DATABASE_URL";

/// How long a session may take to come to a lock.
const BLOCKED_WITHIN: Duration = Duration::from_secs(10);

/// A migrated database that nobody else uses.
#[derive(Clone, Debug)]
pub struct TestDatabase {
    name: String,
    cluster: url::Url,
}

impl TestDatabase {
    /// Clones the template, making it first when this is the first test of this set of migrations.
    ///
    /// # Panics
    /// When the cluster named by [`CLUSTER_SETTING`] cannot be used; `deploy/local test` starts one.
    pub async fn create() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests have no configuration file")]
        let cluster =
            std::env::var(CLUSTER_SETTING).unwrap_or_else(|_| panic!("{CLUSTER_SETTING} is not set: run the tests by `deploy/local test`"));
        let options = PgConnectOptions::from_str(&cluster).expect("a postgres URL");
        let mut admin = PgConnection::connect_with(&options).await.expect("the test cluster answers");
        let template = format!("heliograph_template_{}", fingerprint());
        sqlx::query("select pg_advisory_lock(7236)").execute(&mut admin).await.expect("lock");
        let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
            .bind(&template)
            .fetch_one(&mut admin)
            .await
            .expect("catalogue");
        let cluster = url::Url::parse(&cluster).expect("a postgres URL");
        if !exists {
            execute(&mut admin, format!("drop database if exists {template}")).await;
            execute(&mut admin, format!("create database {template}")).await;
            migrate(&url_of(&cluster, &template, None)).await.expect("migrations apply");
            execute(&mut admin, format!("alter database {template} is_template true")).await;
        }
        sqlx::query("select pg_advisory_unlock(7236)").execute(&mut admin).await.expect("unlock");
        let name = format!("test_{:032x}", rand::random::<u128>());
        execute(&mut admin, format!("create database {name} template {template} strategy file_copy")).await;
        admin.close().await.expect("close");
        Self { name, cluster }
    }

    /// `postgres://` of the application role.
    pub fn app_url(&self) -> SecretString {
        url_of(&self.cluster, &self.name, Some("crm_app"))
    }

    /// `postgres://` of the owner, who sees everything: for assertions.
    pub fn owner_url(&self) -> SecretString {
        url_of(&self.cluster, &self.name, None)
    }

    /// The door to it, as a binary has it.
    pub fn db(&self) -> Db {
        Db::open(&DbOptions::new(self.app_url(), "test")).expect("options")
    }

    /// Connections of the sending path.
    pub fn ledger(&self) -> LedgerPool {
        LedgerPool::open(&DbOptions::new(self.app_url(), "test-ledger")).expect("options")
    }

    /// Connections of the sending path with further session settings, known to the server as `test-plans`.
    pub fn ledger_with(&self, settings: &[(&str, &str)]) -> LedgerPool {
        LedgerPool::open_with_settings(&DbOptions::new(self.app_url(), "test-plans"), settings).expect("options")
    }

    /// A connection of the owner, for arranging and asserting.
    pub async fn owner(&self) -> PgConnection {
        use secrecy::ExposeSecret;
        PgConnection::connect(self.owner_url().expose_secret()).await.expect("the test cluster answers")
    }

    /// Waits until at least so many sessions wait for a lock.
    ///
    /// # Panics
    /// When that takes longer than ten seconds.
    pub async fn until_blocked(&self, sessions: i64) {
        let (mut owner, begun) = (self.owner().await, Instant::now());
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock' and state = 'active'";
        loop {
            let blocked: i64 = sqlx::query_scalar(waiting).fetch_one(&mut owner).await.expect("the test cluster answers");
            if blocked >= sessions {
                return;
            }
            assert!(begun.elapsed() < BLOCKED_WITHIN, "{blocked} of {sessions} sessions wait for a lock");
        }
    }
}

fn url_of(cluster: &url::Url, database: &str, user: Option<&str>) -> SecretString {
    let mut url = cluster.clone();
    url.set_path(database);
    if let Some(user) = user {
        url.set_username(user).expect("a URL with a host");
    }
    String::from(url).into()
}

async fn execute(connection: &mut PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(connection).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
