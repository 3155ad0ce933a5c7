//! Pools and how they are opened.

use std::{fmt::Write, str::FromStr, sync::Arc, time::Duration};

use kernel::OrganizationId;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    AssertSqlSafe, SqlSafeStr, SqlStr,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use crate::{Announcer, DbError, IdentityTx, Silence, SystemTx, TenantTx, transaction::Begun};

/// How to reach PostgreSQL.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// `postgres://…` of the role `crm_app`; that of a pooler when `direct_url` is set.
    pub url: SecretString,
    /// `postgres://…` past a pooler that gives each transaction another connection of the server (pgbouncer with `pool_mode =
    /// transaction`). Whatever needs a session of its own goes there: [`crate::LedgerPool`], listening for notifications.
    pub direct_url: Option<SecretString>,
    /// Prepared statements that a connection keeps. Behind a pooler that does not track them it must be 0.
    pub statement_cache: usize,
    /// Connections of the pool.
    pub max_connections: u32,
    /// What the server shows as application name.
    pub application: &'static str,
    /// Longest run of one statement.
    pub statement_timeout: Duration,
}

impl DbOptions {
    /// Ten connections, statements of at most 30 s.
    pub fn new(url: impl Into<SecretString>, application: &'static str) -> Self {
        Self {
            url: url.into(),
            direct_url: None,
            statement_cache: 100,
            max_connections: 10,
            application,
            statement_timeout: Duration::from_secs(30),
        }
    }

    /// The address of PostgreSQL itself.
    pub fn direct(&self) -> &SecretString {
        self.direct_url.as_ref().unwrap_or(&self.url)
    }

    /// How to connect to PostgreSQL itself: a connection is a session, which has its settings from its start.
    pub(crate) fn session_options(&self) -> Result<PgConnectOptions, DbError> {
        Ok(PgConnectOptions::from_str(self.direct().expose_secret())?.application_name(self.application).options(self.limits()))
    }

    /// How to connect for transactions, and how each begins. Behind a pooler a setting lives as long as its transaction, so that each
    /// makes its own; where statements are not tracked, it also clears away what the transaction before it has prepared.
    fn transaction_options(&self) -> Result<(PgConnectOptions, SqlStr), DbError> {
        if self.direct_url.is_none() {
            let options = self.session_options()?.statement_cache_capacity(self.statement_cache);
            return Ok((options, "begin".into_sql_str()));
        }
        // (The driver names this one by itself; poolers refuse what they do not know.)
        let options = PgConnectOptions::from_str(self.url.expose_secret())?
            .application_name(self.application)
            .extra_float_digits(None)
            .statement_cache_capacity(self.statement_cache);
        let cleared = if self.statement_cache == 0 { "; deallocate all" } else { "" };
        let begin = self.limits().into_iter().fold(format!("begin{cleared}"), |mut begin, (name, value)| {
            // Milliseconds, written by us.
            let _ = write!(begin, "; set local {name} = {value}");
            begin
        });
        Ok((options, AssertSqlSafe(begin).into_sql_str()))
    }

    fn limits(&self) -> [(&'static str, String); 3] {
        [
            ("statement_timeout", self.statement_timeout.as_millis().to_string()),
            ("lock_timeout", "10000".into()),
            ("idle_in_transaction_session_timeout", "15000".into()),
        ]
    }
}

/// The door to PostgreSQL. Cheap to clone. Its pool is private: rows are reached through a transaction of a kind.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    begin: SqlStr,
    announcer: Arc<dyn Announcer>,
}

impl Db {
    /// Opens a pool. Connections are made when they are first needed, so a server that is down fails the first use, not the start.
    pub fn open(options: &DbOptions) -> Result<Self, DbError> {
        let (connecting, begin) = options.transaction_options()?;
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(Duration::from_secs(2))
            .connect_lazy_with(connecting);
        Ok(Self { pool, begin, announcer: Arc::new(Silence) })
    }

    /// The same door, with commits announced by `announcer`.
    #[must_use]
    pub fn with_announcer(mut self, announcer: Arc<dyn Announcer>) -> Self {
        self.announcer = announcer;
        self
    }

    /// Begins a transaction that sees the rows of `organization` and no others.
    pub async fn tenant(&self, organization: OrganizationId) -> Result<TenantTx, DbError> {
        let mut tx = self.begin().await?;
        sqlx::query("select set_config('role', 'crm_tenant', true), set_config('app.organization_id', $1, true)")
            .bind(organization.to_string())
            .execute(tx.conn())
            .await?;
        Ok(TenantTx::new(tx, organization))
    }

    /// Begins a transaction over the ledgers of all organizations. `reason` says why, for readers and logs.
    pub async fn system(&self, reason: &'static str) -> Result<SystemTx, DbError> {
        let mut tx = self.begin().await?;
        sqlx::query("select set_config('role', 'crm_system', true)").execute(tx.conn()).await?;
        tracing::trace!(reason, "system transaction");
        Ok(SystemTx::new(tx))
    }

    /// Begins a transaction over accounts and sessions of all organizations. `reason` says why.
    pub async fn identity(&self, reason: &'static str) -> Result<IdentityTx, DbError> {
        let mut tx = self.begin().await?;
        sqlx::query("select set_config('role', 'crm_identity', true)").execute(tx.conn()).await?;
        tracing::trace!(reason, "identity transaction");
        Ok(IdentityTx::new(tx))
    }

    /// Asks the server for an answer.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::raw_sql("select 1").execute(&self.pool).await?;
        Ok(())
    }

    /// How the schema compares with the migrations of this build.
    pub async fn migration_state(&self) -> Result<crate::MigrationState, DbError> {
        crate::migration_state(self.begin().await?.conn()).await
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Closes the pool; waits until every connection has come back.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self) -> Result<Begun, DbError> {
        Ok(Begun::new(self.pool.begin_with(self.begin.clone()).await?, Arc::clone(&self.announcer)))
    }
}
