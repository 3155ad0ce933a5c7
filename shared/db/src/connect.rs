//! Pools and how they are opened.

use std::{str::FromStr, sync::Arc, time::Duration};

use kernel::OrganizationId;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::{Announcer, DbError, IdentityTx, Silence, SystemTx, TenantTx, transaction::Begun};

/// How to reach PostgreSQL.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// `postgres://…` of the role `crm_app`.
    pub url: SecretString,
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
        Self { url: url.into(), max_connections: 10, application, statement_timeout: Duration::from_secs(30) }
    }

    pub(crate) fn connect_options(&self) -> Result<PgConnectOptions, DbError> {
        let options = PgConnectOptions::from_str(self.url.expose_secret())?.application_name(self.application).options([
            ("statement_timeout", self.statement_timeout.as_millis().to_string()),
            ("lock_timeout", "10000".into()),
            ("idle_in_transaction_session_timeout", "15000".into()),
        ]);
        Ok(options)
    }
}

/// The door to PostgreSQL. Cheap to clone. Its pool is private: rows are reached through a transaction of a kind.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    announcer: Arc<dyn Announcer>,
}

impl Db {
    /// Opens a pool. Connections are made when they are first needed, so a server that is down fails the first use, not the start.
    pub fn open(options: &DbOptions) -> Result<Self, DbError> {
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(Duration::from_secs(2))
            .connect_lazy_with(options.connect_options()?);
        Ok(Self { pool, announcer: Arc::new(Silence) })
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
        sqlx::query("select 1").execute(&self.pool).await?;
        Ok(())
    }

    /// How the schema compares with the migrations of this build.
    pub async fn migration_state(&self) -> Result<crate::MigrationState, DbError> {
        crate::migration_state(&self.pool).await
    }

    /// Closes the pool; waits until every connection has come back.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self) -> Result<Begun, DbError> {
        Ok(Begun::new(self.pool.begin().await?, Arc::clone(&self.announcer)))
    }
}
