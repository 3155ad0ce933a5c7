//! What operators of an organization see and do with its jobs. Row security hides those of others.

use chrono::{DateTime, Utc};
use db::{Announcement, DbError, TenantTx, Tx};
use kernel::{JobId, Page, PageRequest};
use uuid::Uuid;

use crate::Queue;

/// One job, as an operator sees it. The payload holds ids only.
#[derive(Clone, Debug)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// Wire name of its type.
    pub kind: String,
    /// Where it waits.
    pub queue: String,
    /// `waiting`, `running`, `done`, `dead` or `discarded`.
    pub state: String,
    /// The serialized job.
    pub payload: serde_json::Value,
    /// From when on it may run.
    pub run_at: DateTime<Utc>,
    /// Runs that ended in an error.
    pub attempts: i32,
    /// Crashes in a row.
    pub crashes: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it was taken last.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which jobs to list; none means any.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only those in this state.
    pub state: Option<String>,
    /// Only those of this kind.
    pub kind: Option<String>,
}

/// What came of an operator's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is so now.
    Made,
    /// The job's state does not allow it.
    NotAllowed,
    /// There is no such job in this organization.
    NotFound,
}

/// Lists jobs, the newest first.
pub async fn list(tx: &mut TenantTx, filter: &JobFilter, request: PageRequest) -> Result<Page<JobView>, DbError> {
    let rows = sqlx::query_as!(
        JobView,
        r#"select id as "id: _", kind, queue, state, payload, run_at, attempts, crashes, last_error, created_at, started_at, finished_at
           from jobs
           where organization_id = $1
             and ($2::text is null or state = $2)
             and ($3::text is null or kind = $3)
             and ($4::uuid is null or id < $4)
           order by id desc
           limit $5"#,
        tx.organization() as _,
        filter.state,
        filter.kind,
        request.after.map(|cursor| cursor.0),
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Page::from_rows(rows, request, |job| job.id.uuid()))
}

/// One job.
pub async fn find(tx: &mut TenantTx, id: JobId) -> Result<Option<JobView>, DbError> {
    let job = sqlx::query_as!(
        JobView,
        r#"select id as "id: _", kind, queue, state, payload, run_at, attempts, crashes, last_error, created_at, started_at, finished_at
           from jobs
           where id = $1"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(job)
}

/// Has a dead, discarded or waiting job run now, with all its attempts given back.
pub async fn retry(tx: &mut TenantTx, id: JobId) -> Result<Change, DbError> {
    let queue = sqlx::query_scalar!(
        "update jobs
         set state = 'waiting', run_at = now(), attempts = 0, crashes = 0, finished_at = null, started_at = coalesce(started_at, now())
         where id = $1 and state in ('dead', 'discarded', 'waiting')
         returning queue",
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    match queue {
        Some(queue) => {
            if let Some(queue) = Queue::named(&queue) {
                tx.announce(Announcement::Job { job: id, queue: queue.name() });
            }
            Ok(Change::Made)
        }
        None => unchanged(tx, id).await,
    }
}

/// Gives a dead or waiting job up. It stays visible for a week.
pub async fn discard(tx: &mut TenantTx, id: JobId) -> Result<Change, DbError> {
    let discarded = sqlx::query!(
        "update jobs
         set state = 'discarded', finished_at = now()
         where id = $1 and state in ('dead', 'waiting')",
        id as _,
    )
    .execute(tx.conn())
    .await?;
    if discarded.rows_affected() == 1 { Ok(Change::Made) } else { unchanged(tx, id).await }
}

async fn unchanged(tx: &mut TenantTx, id: JobId) -> Result<Change, DbError> {
    let state: Option<Uuid> = sqlx::query_scalar!("select id from jobs where id = $1", id as _).fetch_optional(tx.conn()).await?;
    Ok(if state.is_some() { Change::NotAllowed } else { Change::NotFound })
}
