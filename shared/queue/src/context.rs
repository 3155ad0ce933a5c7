//! What a running job holds in its hands.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use db::{Db, DbError, SystemTx, TenantTx, Tx};
use kernel::{Clock, JobId, OrganizationId, SharedClock};
use tokio_util::sync::CancellationToken;

use crate::{Claim, JobError};

/// Services of the binary that jobs use, found by type: provider clients, stores, settings. Set up once, at the start.
#[derive(Clone, Default)]
pub struct Resources(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Resources {
    /// The same with `value`; a former value of the type is replaced. Put trait objects in as `Arc<dyn Trait>` and ask for just that type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// The value of that type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }

    pub(crate) fn has(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }
}

impl std::fmt::Debug for Resources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resources({})", self.0.len())
    }
}

/// What every job of a worker is given.
#[derive(Clone, Debug)]
pub struct Services {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// Everything else.
    pub resources: Resources,
}

/// One run of one job.
#[derive(Clone, Debug)]
pub struct Run {
    pub(crate) services: Arc<Services>,
    pub(crate) job: JobId,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) fence: i64,
    pub(crate) attempt: u32,
    pub(crate) stop: CancellationToken,
}

impl Run {
    pub(crate) fn new(services: Arc<Services>, claim: &Claim, stop: CancellationToken) -> Self {
        Self { services, job: claim.id, organization: claim.organization, fence: claim.fence, attempt: claim.attempt(), stop }
    }
}

/// Another worker has the job: whatever this run still does must not be committed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the claim of this job was lost")]
pub struct LeaseLost;

mod sealed {
    pub trait Sealed: Sized {
        fn from_run(run: super::Run) -> Option<Self>;
    }
}
pub(crate) use sealed::Sealed;

/// The two kinds of context: [`Tenant`] and [`System`].
pub trait JobContext: Sealed + Send + Sync + 'static {
    /// Whether jobs of this context belong to an organization.
    const OF_ORGANIZATION: bool;
}

macro_rules! context {
    ($name:ident) => {
        impl $name {
            /// Tells the time.
            pub fn clock(&self) -> &dyn Clock {
                &*self.run.services.clock
            }

            /// The present instant.
            pub fn now(&self) -> DateTime<Utc> {
                self.clock().now()
            }

            /// The job that runs.
            pub fn job(&self) -> JobId {
                self.run.job
            }

            /// Number of this attempt; the first is 1.
            pub fn attempt(&self) -> u32 {
                self.run.attempt
            }

            /// Whether the worker stops: a long job ends at its next safe place with `JobError::Snooze(Duration::ZERO)`.
            pub fn stopping(&self) -> bool {
                self.run.stop.is_cancelled()
            }

            /// Done when the worker stops.
            pub async fn stopped(&self) {
                self.run.stop.cancelled().await;
            }

            /// A service of the worker. Name it in [`crate::Job::requires`], so that a worker without it does not start.
            pub fn get<T: Send + Sync + 'static>(&self) -> Result<&T, JobError> {
                self.run
                    .services
                    .resources
                    .get()
                    .ok_or_else(|| JobError::fail(format!("this worker has no {}", std::any::type_name::<T>())))
            }

            /// Marks, with the commit of `tx`, that the job got further, so that a crash after it does not count against the job.
            /// Fails when the claim was lost: then `tx` must not be committed. Locks the job's row: call it last.
            pub async fn progress(&self, tx: &mut impl Tx) -> Result<(), JobError> {
                progress(tx, &self.run).await
            }
        }
    };
}

/// Context of work for one organization: of rows that belong to organizations it can only open that organization's.
#[derive(Clone, Debug)]
pub struct Tenant {
    organization: OrganizationId,
    run: Run,
}

/// Context of work for the installation.
#[derive(Clone, Debug)]
pub struct System {
    run: Run,
}

context!(Tenant);
context!(System);

impl Tenant {
    /// The organization whose work this is.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// Begins a transaction on the organization's rows.
    pub async fn begin(&self) -> Result<TenantTx, DbError> {
        self.run.services.db.tenant(self.organization).await
    }

    /// Begins a transaction across organizations, for what several of them share; `reason` says what.
    pub async fn begin_across(&self, reason: &'static str) -> Result<SystemTx, DbError> {
        self.run.services.db.system(reason).await
    }
}

impl System {
    /// The organization that enqueued the job, if it was enqueued on behalf of one.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.run.organization
    }

    /// The database, for work that needs other kinds of transaction.
    pub fn db(&self) -> &Db {
        &self.run.services.db
    }

    /// Begins a transaction across organizations; `reason` says why.
    pub async fn begin(&self, reason: &'static str) -> Result<SystemTx, DbError> {
        self.run.services.db.system(reason).await
    }
}

impl Sealed for Tenant {
    fn from_run(run: Run) -> Option<Self> {
        Some(Self { organization: run.organization?, run })
    }
}

impl JobContext for Tenant {
    const OF_ORGANIZATION: bool = true;
}

impl Sealed for System {
    fn from_run(run: Run) -> Option<Self> {
        Some(Self { run })
    }
}

impl JobContext for System {
    const OF_ORGANIZATION: bool = false;
}

async fn progress(tx: &mut impl Tx, run: &Run) -> Result<(), JobError> {
    let marked = sqlx::query!(
        "update jobs
         set progressed = true
         where id = $1 and fence = $2 and state = 'running'",
        run.job as _,
        run.fence,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    if marked.rows_affected() == 0 {
        return Err(JobError::retry(LeaseLost));
    }
    Ok(())
}
