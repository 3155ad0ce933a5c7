//! An import as clients see it.

use chrono::{DateTime, Utc};
use crm::contacts::import::ContactImport;
use kernel::ImportId;
use serde::Serialize;
use utoipa::ToSchema;

/// How far an import is, and what became of its rows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Import)]
pub(super) struct ImportBody {
    id: ImportId,
    /// `queued`, `running`, `completed` or `failed`.
    state: &'static str,
    /// Why the file as a whole could not be read.
    reason: Option<String>,
    file_name: Option<String>,
    /// Whether contacts stay as they are.
    dry_run: bool,
    /// Rows so far; always the sum of the next four.
    total: i32,
    created: i32,
    updated: i32,
    /// Rows that said nothing new, or came again for the same number.
    skipped: i32,
    rejected: i32,
    /// Bytes of the file, and how many of them are dealt with.
    size: u64,
    processed: u64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<ContactImport> for ImportBody {
    fn from(import: ContactImport) -> Self {
        Self {
            id: import.id,
            state: import.state.as_str(),
            reason: import.reason,
            file_name: import.file_name,
            dry_run: import.dry_run,
            total: import.counts.total(),
            created: import.counts.created,
            updated: import.counts.updated,
            skipped: import.counts.skipped,
            rejected: import.counts.rejected,
            size: import.size,
            processed: import.next_offset,
            created_at: import.created_at,
            updated_at: import.updated_at,
            finished_at: import.finished_at,
        }
    }
}
