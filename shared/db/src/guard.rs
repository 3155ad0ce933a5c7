//! Work whose commits must be allowed by somebody who stands outside of it.

use std::{fmt, pin::Pin, sync::Arc};

use sqlx::PgConnection;

use crate::DbError;

tokio::task_local! {
    static GUARD: Arc<dyn CommitGuard>;
}

/// Writes into a transaction just before its commit, or refuses it.
pub trait CommitGuard: fmt::Debug + Send + Sync {
    /// An error rolls the transaction back, and is what its commit fails with. The role of the transaction may be changed: nothing follows.
    fn before_commit<'a>(&'a self, conn: &'a mut PgConnection) -> Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>>;
}

/// Runs `work`. Each transaction that it commits, of any kind, asks `guard` first; those of tasks that it spawns do not.
pub async fn guarded<F: Future>(guard: Arc<dyn CommitGuard>, work: F) -> F::Output {
    GUARD.scope(guard, work).await
}

pub(crate) async fn ask(conn: &mut PgConnection) -> Result<(), DbError> {
    match GUARD.try_with(Arc::clone) {
        Ok(guard) => guard.before_commit(conn).await,
        Err(_) => Ok(()),
    }
}
