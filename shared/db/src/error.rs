//! The one error of the database layer.

/// A statement that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// PostgreSQL or the way to it failed.
    /// Says what the server said, because logs show the text alone.
    #[error("cannot complete the database statement: {}", told(.0))]
    Sqlx(#[from] sqlx::Error),
    /// A row holds a value that its type does not allow.
    #[error("row {id} of {table} has an impossible {column}")]
    BadRow {
        /// Table of the row.
        table: &'static str,
        /// Its id.
        id: String,
        /// The column that does not fit.
        column: &'static str,
    },
    /// A [`crate::CommitGuard`] refused the commit: the turn of the work was given to another.
    #[error("cannot commit: the turn of this request was given to a repetition of it")]
    Superseded,
    /// Migrating failed.
    #[error("cannot migrate the database")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl DbError {
    /// Name of the violated constraint, if that is what went wrong.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Sqlx(error) => error.as_database_error()?.constraint(),
            _ => None,
        }
    }

    /// Whether the same transaction may well succeed when it is run again: deadlock or serialization failure.
    pub fn is_conflict(&self) -> bool {
        matches!(self.code().as_deref(), Some("40P01" | "40001"))
    }

    /// SQLSTATE of the failure, if PostgreSQL gave one.
    pub fn code(&self) -> Option<String> {
        match self {
            Self::Sqlx(error) => Some(error.as_database_error()?.code()?.into_owned()),
            _ => None,
        }
    }
}

/// What PostgreSQL said, with its SQLSTATE; never the values of a row, which stand in the detail.
fn told(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().unwrap_or_default()),
        None => error.to_string(),
    }
}
