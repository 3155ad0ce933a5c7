//! Writing jobs in the transaction of the caller.

use chrono::{DateTime, Utc};
use db::{Announcement, DbError, Tx};
use kernel::{Clock, JobId, OrganizationId, SystemClock};

use crate::{Job, JobContext, trace::current_parent};

/// Jobs of one `enqueue_all` that are announced; who finds these polls on for the others.
const MAX_ANNOUNCED: usize = 16;

/// Puts jobs into the ledger, in this transaction: a rollback takes them along, a commit rings for them.
///
/// A job belongs to the organization of the transaction. [`crate::Tenant`] jobs enqueued from a system or identity transaction
/// name theirs by [`Enqueue::enqueue_for`]. All answer `None` when a job with the same unique key already waits.
pub trait Enqueue: Tx + Sized {
    /// To be run as soon as possible.
    fn enqueue<J: Job>(&mut self, job: J) -> impl Future<Output = Result<Option<JobId>, DbError>> + Send {
        let organization = self.organization_scope();
        async move { insert(self, organization, &job, None).await }
    }

    /// To be run from `run_at` on, on the clock of the database.
    fn enqueue_at<J: Job>(&mut self, job: J, run_at: DateTime<Utc>) -> impl Future<Output = Result<Option<JobId>, DbError>> + Send {
        let organization = self.organization_scope();
        async move { insert(self, organization, &job, Some(run_at)).await }
    }

    /// To be run as soon as possible for `organization`: from transactions that are bound to none.
    fn enqueue_for<J: Job>(&mut self, organization: OrganizationId, job: J) -> impl Future<Output = Result<Option<JobId>, DbError>> + Send {
        async move { insert(self, Some(organization), &job, None).await }
    }

    /// Many at once, in one statement for the caller's organization. Answers how many were written.
    fn enqueue_all<J: Job>(&mut self, jobs: Vec<J>) -> impl Future<Output = Result<u64, DbError>> + Send {
        let organization = self.organization_scope();
        async move { insert_all(self, organization, &jobs).await }
    }

    /// Whether a job with the unique key of this one waits or runs, which two of a kind may do at once.
    fn is_under_way<J: Job>(&mut self, job: &J) -> impl Future<Output = Result<bool, DbError>> + Send {
        let (organization, key) = (self.organization_scope(), job.unique_key());
        async move { is_under_way::<J>(self, organization, key).await }
    }
}

impl<T: Tx> Enqueue for T {}

fn payload<J: Job>(organization: Option<OrganizationId>, job: &J) -> Result<serde_json::Value, DbError> {
    if J::Context::OF_ORGANIZATION && organization.is_none() {
        return Err(encode(format!("a job `{}` belongs to an organization; enqueue it by enqueue_for", J::KIND)));
    }
    serde_json::to_value(job).map_err(encode)
}

fn encode(error: impl Into<crate::BoxError>) -> DbError {
    DbError::Sqlx(sqlx::Error::Encode(error.into()))
}

/// Ids only have to be unique and to sort roughly by time: the wall clock of this machine is good enough.
/// Everything that decides when a job runs is on the clock of the database.
fn new_id() -> JobId {
    JobId::at(SystemClock.now())
}

async fn insert<J: Job>(
    tx: &mut impl Tx,
    organization: Option<OrganizationId>,
    job: &J,
    run_at: Option<DateTime<Utc>>,
) -> Result<Option<JobId>, DbError> {
    let payload = payload(organization, job)?;
    let id = new_id();
    let written = sqlx::query!(
        "insert into jobs (id, organization_id, kind, queue, payload, run_at, unique_key, trace_parent)
         values ($1, $2, $3, $4, $5, coalesce($6, now()), $7, $8)
         on conflict do nothing",
        id as _,
        organization as _,
        J::KIND,
        J::QUEUE.name(),
        payload,
        run_at,
        job.unique_key(),
        current_parent(),
    )
    .execute(tx.conn())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(None);
    }
    if run_at.is_none() {
        tx.announce(Announcement::Job { job: id, queue: J::QUEUE.name() });
    }
    Ok(Some(id))
}

async fn is_under_way<J: Job>(tx: &mut impl Tx, organization: Option<OrganizationId>, key: Option<String>) -> Result<bool, DbError> {
    let under_way = sqlx::query_scalar!(
        r#"select exists (
               select from jobs
               where state = 'waiting' and queue = $1 and kind = $2 and unique_key = $3 and organization_id is not distinct from $4
           ) or exists (
               select from jobs
               where state = 'running' and queue = $1 and kind = $2 and unique_key = $3 and organization_id is not distinct from $4
           ) as "under_way!""#,
        J::QUEUE.name(),
        J::KIND,
        key,
        organization as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(under_way)
}

async fn insert_all<J: Job>(tx: &mut impl Tx, organization: Option<OrganizationId>, jobs: &[J]) -> Result<u64, DbError> {
    if jobs.is_empty() {
        return Ok(0);
    }
    let ids: Vec<JobId> = jobs.iter().map(|_| new_id()).collect();
    let payloads = jobs.iter().map(|job| payload(organization, job)).collect::<Result<Vec<_>, _>>()?;
    let keys: Vec<Option<String>> = jobs.iter().map(Job::unique_key).collect();
    let written = sqlx::query!(
        "insert into jobs (id, organization_id, kind, queue, payload, unique_key, trace_parent)
         select id, $1, $2, $3, payload, unique_key, $4
         from unnest($5::uuid[], $6::jsonb[], $7::text[]) as given (id, payload, unique_key)
         on conflict do nothing",
        organization as _,
        J::KIND,
        J::QUEUE.name(),
        current_parent(),
        &ids as _,
        &payloads as _,
        &keys as _,
    )
    .execute(tx.conn())
    .await?;
    for &job in ids.iter().take(MAX_ANNOUNCED) {
        tx.announce(Announcement::Job { job, queue: J::QUEUE.name() });
    }
    Ok(written.rows_affected())
}
