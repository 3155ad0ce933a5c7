//! What a job is.

use std::{any::TypeId, future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{JobContext, Resources};

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One kind of background work. The value is the payload: ids, never state; `run` reloads what it needs.
///
/// What is gone meanwhile is done (`Ok`), and a second run changes nothing: a job runs at least once.
/// The serialized form is a promise to rows already queued, so new fields have `#[serde(default)]`.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Wire name, `domain.verb`. Never changes.
    const KIND: &'static str;
    /// Where it waits.
    const QUEUE: Queue;
    /// Longest run. A run that takes longer is stopped and counts as a failed attempt.
    const TIMEOUT: Duration;
    /// Attempts that may end in [`JobError::Retry`] before the job is dead. 25 take about eight hours.
    const MAX_ATTEMPTS: u32 = 25;
    /// [`crate::Tenant`] for work of one organization, [`crate::System`] for work across them.
    type Context: JobContext;

    /// Does the work.
    fn run(&self, ctx: &Self::Context) -> impl Future<Output = Result<(), JobError>> + Send;

    /// At most one job of this kind and organization waits, not yet started, for the same key; enqueuing another changes nothing.
    /// Right for ticks and refreshes, wrong for a step that enqueues its own successor.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// Services without which `run` cannot work; a worker that lacks one does not start.
    fn requires() -> Vec<Requirement> {
        Vec::new()
    }
}

/// A service that a job needs, checked when the worker starts.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    id: TypeId,
    name: &'static str,
}

impl Requirement {
    /// Needs a value of type `T` among the worker's [`Resources`].
    pub fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: std::any::type_name::<T>() }
    }

    pub(crate) fn missing_from(&self, resources: &Resources) -> Option<&'static str> {
        (!resources.has(self.id)).then_some(self.name)
    }
}

/// Where jobs wait. Each worker runs a limited number of jobs of each queue at once, so one queue cannot starve another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Short work that somebody waits for.
    Default,
    /// What came in by webhook: contacts, conversations, messages.
    Inbound,
    /// Imports, exports, recounts, clean-up.
    Bulk,
    /// Mail out.
    Mail,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 4] = [Self::Default, Self::Inbound, Self::Bulk, Self::Mail];

    /// Wire name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Inbound => "inbound",
            Self::Bulk => "bulk",
            Self::Mail => "mail",
        }
    }

    /// The queue of that wire name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }

    /// How many jobs of this queue a worker runs at once that gives `slots` to a queue of short work.
    pub const fn share_of(self, slots: usize) -> usize {
        let share = match self {
            Self::Default | Self::Inbound => slots,
            Self::Bulk => slots / 8,
            Self::Mail => slots / 4,
        };
        if share == 0 { 1 } else { share }
    }
}

/// How a run that did not succeed goes on.
#[derive(Debug)]
pub enum JobError {
    /// Try again later: an attempt is spent; after the last one the job is dead.
    Retry(BoxError),
    /// Trying again is of no use: the job is dead and waits for an operator.
    Fail(BoxError),
    /// Not yet: comes back after this time, no attempt spent.
    Snooze(Duration),
}

impl JobError {
    /// Try again later.
    pub fn retry(error: impl Into<BoxError>) -> Self {
        Self::Retry(error.into())
    }

    /// Trying again is of no use.
    pub fn fail(error: impl Into<BoxError>) -> Self {
        Self::Fail(error.into())
    }
}

/// The database is worth another try.
impl From<db::DbError> for JobError {
    fn from(error: db::DbError) -> Self {
        Self::retry(error)
    }
}
