//! The migrations of this build, and how a database stands to them.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection, PgExecutor, migrate::Migrator};

use crate::DbError;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// How a database stands to the migrations of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Newest migration that was applied; 0 for none.
    pub applied: i64,
    /// Newest migration of this build.
    pub expected: i64,
}

impl MigrationState {
    /// Whether the schema is at least what this build needs.
    pub fn is_current(self) -> bool {
        self.applied >= self.expected
    }
}

/// Applies what is missing, as the owner role. Safe to call from several processes at once.
pub async fn migrate(owner_url: &SecretString) -> Result<(), DbError> {
    let mut connection = PgConnection::connect(owner_url.expose_secret()).await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Reads how the database stands to this build.
pub async fn migration_state(executor: impl PgExecutor<'_>) -> Result<MigrationState, DbError> {
    let expected = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    let applied: Option<i64> = sqlx::query_scalar("select applied_migration()").fetch_one(executor).await?;
    Ok(MigrationState { applied: applied.unwrap_or(0), expected })
}

/// A value that changes with any migration; names the template database of the tests.
pub(crate) fn fingerprint() -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for migration in MIGRATOR.iter() {
        (migration.version, &migration.checksum).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
