//! Connections of the sending path: they start as `crm_system`, so every statement is a single autocommit round trip.

use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::{DbError, DbOptions};

/// A pool whose connections have the role `crm_system` from their start. Goes directly to PostgreSQL, never through a transaction pooler.
///
/// Every statement on it names the organization first, taken from the lane or the mapped number.
#[derive(Clone, Debug)]
pub struct LedgerPool(PgPool);

impl LedgerPool {
    /// Opens the pool; connections are made when they are first needed.
    ///
    /// Sequential scans, hash joins and merge joins are switched off on these connections: every statement touches few
    /// rows by full key, and a plan made while a table was still empty would otherwise stay a trap.
    pub fn open(options: &DbOptions) -> Result<Self, DbError> {
        Self::open_with_settings(options, &[])
    }

    /// The same with another limit on waiting for a lock.
    pub fn open_with_lock_timeout(options: &DbOptions, lock_timeout: Duration) -> Result<Self, DbError> {
        Self::open_with_settings(options, &[("lock_timeout", &lock_timeout.as_millis().to_string())])
    }

    /// The same with further session settings, which win over the ones above.
    pub(crate) fn open_with_settings(options: &DbOptions, settings: &[(&str, &str)]) -> Result<Self, DbError> {
        let connect = options.connect_options()?.options([
            ("role", "crm_system"),
            ("synchronous_commit", "on"),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("jit", "off"),
        ]).options(settings.iter().copied());
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(Duration::from_secs(2))
            .idle_timeout(None)
            .test_before_acquire(false)
            .connect_lazy_with(connect);
        Ok(Self(pool))
    }

    /// The pool, as an executor of single statements.
    pub fn executor(&self) -> &PgPool {
        &self.0
    }

    /// Closes the pool; waits until every connection has come back.
    pub async fn close(&self) {
        self.0.close().await;
    }
}
