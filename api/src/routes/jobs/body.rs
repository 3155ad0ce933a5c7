//! A job as operators see it.

use chrono::{DateTime, Utc};
use kernel::JobId;
use queue::admin::JobView;
use serde::Serialize;
use utoipa::ToSchema;

/// A background job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub(super) struct JobBody {
    id: JobId,
    /// What it does, as `contacts.import`.
    kind: String,
    /// Where it waits.
    queue: String,
    /// `waiting`, `running`, `done`, `dead` or `discarded`.
    state: String,
    /// Ids of what it works on.
    payload: serde_json::Value,
    /// From when on it may run.
    run_at: DateTime<Utc>,
    /// Runs that failed.
    attempts: i32,
    /// Crashes in a row.
    crashes: i32,
    /// What went wrong last.
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<JobView> for JobBody {
    fn from(job: JobView) -> Self {
        let JobView { id, kind, queue, state, payload, run_at, attempts, crashes, last_error, created_at, started_at, finished_at } = job;
        Self { id, kind, queue, state, payload, run_at, attempts, crashes, last_error, created_at, started_at, finished_at }
    }
}
