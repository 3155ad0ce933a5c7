//! All statements by which workers take, keep and settle jobs.
//!
//! Taking raises the fence; whatever is said later about the job carries that fence and changes nothing when it is stale.
//! Leases are on the clock of the database, so clocks of workers do not matter.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use db::{DbError, LedgerPool};
use kernel::{JobId, OrganizationId};
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use crate::Queue;

/// Crashes in a row, without progress between them, after which a job is dead.
const MAX_CRASHES: i32 = 3;

/// The job ledger as one worker process sees it. Every method is a single statement that commits by itself.
#[derive(Clone, Debug)]
pub struct Ledger {
    pool: LedgerPool,
    owner: Uuid,
    kinds: Arc<[String]>,
    lease: Duration,
}

/// A job that was taken.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The job.
    pub id: JobId,
    /// Whose work it is; none for work of the installation.
    pub organization: Option<OrganizationId>,
    /// Wire name of its type.
    pub kind: String,
    /// The serialized job.
    pub payload: serde_json::Value,
    /// Attempts that failed so far.
    pub attempts: i32,
    /// Number of this claim.
    pub fence: i64,
    /// Trace context of who enqueued it.
    pub trace_parent: Option<String>,
    /// From when on it could have been taken.
    pub run_at: DateTime<Utc>,
    /// When it was taken.
    pub started_at: Option<DateTime<Utc>>,
}

impl Claim {
    /// Number of this attempt; the first is 1.
    pub fn attempt(&self) -> u32 {
        u32::try_from(self.attempts).unwrap_or(0).saturating_add(1)
    }

    /// What names this claim to the ledger.
    pub fn held(&self) -> Held {
        Held { id: self.id, fence: self.fence }
    }
}

/// A claim, as the ledger knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The job.
    pub id: JobId,
    /// Number of the claim.
    pub fence: i64,
}

/// What became of jobs whose worker was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rescue {
    /// They wait again.
    pub waiting: usize,
    /// They crashed too often and are dead.
    pub dead: usize,
}

/// How far a queue is behind.
#[derive(Clone, Debug)]
pub struct Lag {
    /// The queue.
    pub queue: String,
    /// Jobs that could run now, counted up to 10,000.
    pub ready: i64,
    /// How long the oldest of them could have run, in seconds.
    pub oldest_seconds: f64,
}

impl Ledger {
    /// The ledger for a worker process that knows these kinds of job. Jobs of other kinds are left to other versions of the worker.
    pub fn new(pool: LedgerPool, kinds: impl IntoIterator<Item = &'static str>, lease: Duration) -> Self {
        Self { pool, owner: Uuid::from_u128(rand::random()), kinds: kinds.into_iter().map(str::to_owned).collect(), lease }
    }

    /// How long a claim lasts unless it is renewed.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Takes one job by its id, if it waits and is due.
    pub async fn claim(&self, id: JobId) -> Result<Option<Claim>, DbError> {
        let claim = sqlx::query_as!(
            Claim,
            r#"update jobs
               set state = 'running', fence = fence + 1, owner = $2, progressed = false,
                   lease_until = clock_timestamp() + $3, started_at = clock_timestamp()
               where id = $1 and state = 'waiting' and run_at <= clock_timestamp() and kind = any($4)
               returning id as "id: _", organization_id as "organization: _", kind, payload, attempts, fence, trace_parent, run_at, started_at"#,
            id as _,
            self.owner,
            interval(self.lease),
            &self.kinds[..],
        )
        .fetch_optional(self.pool.executor())
        .await?;
        Ok(claim)
    }

    /// Takes up to `limit` jobs of a queue, the longest due first. Two workers that ask at once get different ones.
    pub async fn claim_batch(&self, queue: Queue, limit: usize) -> Result<Vec<Claim>, DbError> {
        let claims = sqlx::query_as!(
            Claim,
            r#"with ready as materialized (
                   select id
                   from jobs
                   where queue = $1 and state = 'waiting' and run_at <= statement_timestamp() and kind = any($5)
                   order by run_at
                   limit $2
                   for update skip locked
               )
               update jobs
               set state = 'running', fence = fence + 1, owner = $3, progressed = false,
                   lease_until = clock_timestamp() + $4, started_at = clock_timestamp()
               from ready
               where jobs.id = ready.id and jobs.state = 'waiting'
               returning jobs.id as "id: _", organization_id as "organization: _", kind, payload, attempts, fence, trace_parent, run_at, started_at"#,
            queue.name(),
            i64::try_from(limit).unwrap_or(i64::MAX),
            self.owner,
            interval(self.lease),
            &self.kinds[..],
        )
        .fetch_all(self.pool.executor())
        .await?;
        Ok(claims)
    }

    /// Renews the leases of all these claims and answers which of them still hold. A job whose row is locked, for it is just
    /// committing progress, is not waited for: it still holds, and nobody can take it while it is locked.
    pub async fn renew(&self, held: &[Held]) -> Result<Vec<JobId>, DbError> {
        let ids: Vec<JobId> = held.iter().map(|held| held.id).collect();
        let fences: Vec<i64> = held.iter().map(|held| held.fence).collect();
        let ours = sqlx::query_scalar!(
            r#"with ours as materialized (
                   select jobs.id
                   from unnest($1::uuid[], $2::bigint[]) as given (id, fence)
                   join jobs on jobs.id = given.id and jobs.fence = given.fence
                   where jobs.state = 'running'
               ), free as materialized (
                   select jobs.id, jobs.fence
                   from jobs
                   where jobs.id = any($1) and jobs.state = 'running'
                   order by jobs.id
                   for no key update skip locked
               ), renewed as (
                   update jobs
                   set lease_until = clock_timestamp() + $3
                   from free
                   join unnest($1::uuid[], $2::bigint[]) as given (id, fence) using (id, fence)
                   where jobs.id = free.id
               )
               select id as "id: JobId" from ours"#,
            &ids as _,
            &fences,
            interval(self.lease),
        )
        .fetch_all(self.pool.executor())
        .await?;
        Ok(ours)
    }

    /// The job is done. Like all that follow, answers whether the claim still held; otherwise nothing was changed.
    pub async fn complete(&self, held: Held) -> Result<bool, DbError> {
        let done = sqlx::query!(
            "update jobs
             set state = 'done', finished_at = clock_timestamp(), lease_until = null, owner = null, crashes = 0
             where id = $1 and fence = $2 and state = 'running'",
            held.id as _,
            held.fence,
        )
        .execute(self.pool.executor())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// An attempt failed; the next one comes after `wait`.
    pub async fn retry(&self, held: Held, wait: Duration, error: &str) -> Result<bool, DbError> {
        let done = sqlx::query!(
            "update jobs
             set state = 'waiting', run_at = clock_timestamp() + $3, attempts = attempts + 1, crashes = 0, last_error = $4,
                 lease_until = null, owner = null
             where id = $1 and fence = $2 and state = 'running'",
            held.id as _,
            held.fence,
            interval(wait),
            error,
        )
        .execute(self.pool.executor())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The job comes back after `wait`; no attempt is spent.
    pub async fn snooze(&self, held: Held, wait: Duration) -> Result<bool, DbError> {
        let done = sqlx::query!(
            "update jobs
             set state = 'waiting', run_at = clock_timestamp() + $3, crashes = 0, lease_until = null, owner = null
             where id = $1 and fence = $2 and state = 'running'",
            held.id as _,
            held.fence,
            interval(wait),
        )
        .execute(self.pool.executor())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The job is dead: an operator decides.
    pub async fn bury(&self, held: Held, error: &str) -> Result<bool, DbError> {
        let done = sqlx::query!(
            "update jobs
             set state = 'dead', finished_at = clock_timestamp(), attempts = attempts + 1, last_error = $3, lease_until = null, owner = null
             where id = $1 and fence = $2 and state = 'running'",
            held.id as _,
            held.fence,
            error,
        )
        .execute(self.pool.executor())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The job crashed under our eyes (it panicked): as [`Ledger::rescue`] does with those whose worker was lost. Answers the new state.
    pub async fn crash(&self, held: Held, wait: Duration, error: &str) -> Result<Option<String>, DbError> {
        let state = sqlx::query_scalar!(
            "update jobs
             set state = case when not progressed and crashes + 1 >= $3 then 'dead' else 'waiting' end,
                 finished_at = case when not progressed and crashes + 1 >= $3 then clock_timestamp() end,
                 crashes = case when progressed then 0 else crashes + 1 end,
                 run_at = clock_timestamp() + $4, last_error = $5, lease_until = null, owner = null
             where id = $1 and fence = $2 and state = 'running'
             returning state",
            held.id as _,
            held.fence,
            MAX_CRASHES,
            interval(wait),
            error,
        )
        .fetch_optional(self.pool.executor())
        .await?;
        Ok(state)
    }

    /// Takes back jobs whose lease ended, because their worker died or was cut off. A crash counts only when the job committed no
    /// progress since its claim; three such in a row make it dead.
    pub async fn rescue(&self) -> Result<Rescue, DbError> {
        let states = sqlx::query_scalar!(
            "with lost as materialized (
                 select id
                 from jobs
                 where state = 'running' and lease_until < statement_timestamp()
                 order by lease_until
                 limit 500
                 for update skip locked
             )
             update jobs
             set state = case when not progressed and crashes + 1 >= $1 then 'dead' else 'waiting' end,
                 finished_at = case when not progressed and crashes + 1 >= $1 then clock_timestamp() end,
                 crashes = case when progressed then 0 else crashes + 1 end,
                 run_at = clock_timestamp(), last_error = 'the worker was lost while the job ran', lease_until = null, owner = null
             from lost
             where jobs.id = lost.id and jobs.state = 'running' and jobs.lease_until < clock_timestamp()
             returning jobs.state",
            MAX_CRASHES,
        )
        .fetch_all(self.pool.executor())
        .await?;
        let dead = states.iter().filter(|state| *state == "dead").count();
        Ok(Rescue { waiting: states.len() - dead, dead })
    }

    /// How far each queue is behind; queues without a ready job are not named.
    pub async fn lag(&self) -> Result<Vec<Lag>, DbError> {
        let names: Vec<String> = Queue::ALL.iter().map(|queue| queue.name().to_owned()).collect();
        let lag = sqlx::query_as!(
            Lag,
            r#"select name as "queue!", ready as "ready!",
                      extract(epoch from clock_timestamp() - oldest)::float8 as "oldest_seconds!"
               from unnest($1::text[]) as name
               cross join lateral (
                   select count(*) as ready, min(run_at) as oldest
                   from (
                       select run_at
                       from jobs
                       where queue = name and state = 'waiting' and run_at <= statement_timestamp()
                       order by run_at
                       limit 10000
                   ) as due
               ) as counted
               where ready > 0"#,
            &names,
        )
        .fetch_all(self.pool.executor())
        .await?;
        Ok(lag)
    }

    /// Closes the connections; waits for statements under way.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn interval(duration: Duration) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX) }
}
