//! Connections of the sending path: they start as `crm_system`, so every statement is a single autocommit round trip.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use crate::{DbError, DbOptions};

/// Decides which connections of a [`LedgerPool`] may be used.
pub trait Doorkeeper: fmt::Debug + Send + Sync + 'static {
    /// Looks at a connection that was just made, before its first statement; one that is not admitted is closed.
    fn admit<'c>(&'c self, connection: &'c mut PgConnection) -> Pin<Box<dyn Future<Output = Result<bool, DbError>> + Send + 'c>>;

    /// Whether a connection that was made so long ago may still be used.
    fn keeps(&self, age: Duration) -> bool;
}

/// A pool whose connections have the role `crm_system` from their start. Goes to [`DbOptions::direct`], never through a transaction pooler.
///
/// Every statement on it names the organization first, taken from the lane or the mapped number.
#[derive(Clone, Debug)]
pub struct LedgerPool(PgPool);

impl LedgerPool {
    /// Opens the pool; connections are made when they are first needed.
    ///
    /// Sequential scans, hash joins and merge joins are switched off on these connections: every statement touches few
    /// rows by full key, and a plan made while a table was still empty would otherwise stay a trap. So is parallel work, whose processes
    /// take longer to start than such a statement runs.
    pub fn open(options: &DbOptions) -> Result<Self, DbError> {
        Self::open_with_settings(options, &[])
    }

    /// The same with another limit on waiting for a lock.
    pub fn open_with_lock_timeout(options: &DbOptions, lock_timeout: Duration) -> Result<Self, DbError> {
        Self::open_with_settings(options, &[("lock_timeout", &lock_timeout.as_millis().to_string())])
    }

    /// The same with connections that `doorkeeper` has looked at.
    pub fn open_guarded(options: &DbOptions, doorkeeper: &Arc<dyn Doorkeeper>) -> Result<Self, DbError> {
        let (admitting, keeping) = (Arc::clone(doorkeeper), Arc::clone(doorkeeper));
        let pool = pool_options(options)
            .after_connect(move |connection, _| {
                let doorkeeper = Arc::clone(&admitting);
                Box::pin(async move {
                    match doorkeeper.admit(connection).await {
                        Ok(true) => Ok(()),
                        Ok(false) => Err(sqlx::Error::Protocol("the connection is not admitted to the ledger".into())),
                        Err(DbError::Sqlx(error)) => Err(error),
                        Err(error) => Err(sqlx::Error::Protocol(error.to_string())),
                    }
                })
            })
            .before_acquire(move |_, connection| {
                let keeps = keeping.keeps(connection.age);
                Box::pin(async move { Ok(keeps) })
            });
        Ok(Self(pool.connect_lazy_with(session(options, &[])?)))
    }

    /// The same with further session settings, which win over the ones above.
    pub(crate) fn open_with_settings(options: &DbOptions, settings: &[(&str, &str)]) -> Result<Self, DbError> {
        Ok(Self(pool_options(options).connect_lazy_with(session(options, settings)?)))
    }

    /// The pool, as an executor of single statements.
    pub fn executor(&self) -> &PgPool {
        &self.0
    }

    /// A connection of its own, as the pool would make it but not looked at by anybody, within `patience`.
    pub async fn connect_apart(&self, patience: Duration) -> Result<PgConnection, DbError> {
        let connecting = self.0.connect_options();
        match tokio::time::timeout(patience, PgConnection::connect_with(&connecting)).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }

    /// Closes the pool; waits until every connection has come back.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

fn pool_options(options: &DbOptions) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(Duration::from_secs(2))
        .idle_timeout(None)
        .test_before_acquire(false)
}

fn session(options: &DbOptions, settings: &[(&str, &str)]) -> Result<PgConnectOptions, DbError> {
    let session = [
        ("role", "crm_system"),
        ("synchronous_commit", "on"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("jit", "off"),
    ];
    Ok(options.session_options()?.options(session).options(settings.iter().copied()))
}
