//! Imports as values.

use chrono::{DateTime, Utc};
use db::DbError;
use kernel::ImportId;
use providers::objects::ObjectKey;

use super::layout::{Layout, Mapping};

/// Largest file, in bytes.
pub const MAX_FILE: u64 = 100 * 1024 * 1024;

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// Uploaded; no row was read yet.
    Queued,
    /// Rows are being read.
    Running,
    /// Every row was read.
    Completed,
    /// The file as a whole cannot be read; the reason is given.
    Failed,
}

impl ImportState {
    /// The word used in rows and bodies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Completed, Self::Failed].into_iter().find(|state| state.as_str() == word)
    }

    /// Whether nothing happens any more.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// What became of rows. Every row that is not blank is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New contacts.
    pub created: i32,
    /// Contacts that changed.
    pub updated: i32,
    /// Rows that said nothing new, or came again for the same number.
    pub skipped: i32,
    /// Rows that break a rule.
    pub rejected: i32,
}

impl Counts {
    /// All rows.
    pub const fn total(self) -> i32 {
        self.created + self.updated + self.skipped + self.rejected
    }
}

/// An import.
#[derive(Clone, Debug)]
pub struct ContactImport {
    /// Its id.
    pub id: ImportId,
    /// How far it is.
    pub state: ImportState,
    /// Where the file lies in the object store.
    pub object_key: String,
    /// Name of the file at the client.
    pub file_name: Option<String>,
    /// Bytes of the file.
    pub size: u64,
    /// Renames of columns.
    pub mapping: Mapping,
    /// Whether contacts stay as they are and only the report is wanted.
    pub dry_run: bool,
    /// The columns, once the header has been read.
    pub layout: Option<Layout>,
    /// Bytes of the file that are dealt with.
    pub next_offset: u64,
    /// Number of the line that begins there.
    pub next_line: u64,
    /// What became of the rows so far.
    pub counts: Counts,
    /// Why it failed.
    pub reason: Option<String>,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When it last got further.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A file that was uploaded.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Where the file lies in the object store.
    pub object_key: ObjectKey,
    /// Name of the file at the client.
    pub file_name: Option<String>,
    /// Bytes of the file.
    pub size: u64,
    /// Renames of columns.
    pub mapping: Mapping,
    /// Whether only the report is wanted.
    pub dry_run: bool,
}

/// A row that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Line of the file on which the row begins; the first line is 1.
    pub line: i64,
    /// The field concerned, if it is one.
    pub field: Option<String>,
    /// Stable name of the rule.
    pub code: String,
    /// The rule in words.
    pub message: String,
    /// The row as it stands in the file, cut at 4 kB.
    pub raw: String,
}

/// A use case of imports that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such import in this organization.
    #[error("import `{0}` does not exist")]
    NotFound(ImportId),
    /// The database refused or is away.
    #[error("cannot reach the rows of imports")]
    Store(#[from] DbError),
}
