//! Which kinds of job there are.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::{
    Job, JobError, Queue, Resources,
    context::{Run, Sealed as _},
};

/// All kinds of job a worker runs. Built once, on one page.
#[derive(Debug, Default)]
pub struct Registry {
    handlers: BTreeMap<&'static str, Handler>,
    twice: Vec<&'static str>,
    missing: Vec<(&'static str, Vec<crate::Requirement>)>,
}

/// A registry that cannot be used: the worker does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two jobs claim one wire name.
    #[error("the job kind `{0}` is registered twice")]
    Twice(&'static str),
    /// A job needs a service that the worker was not given.
    #[error("the job kind `{kind}` needs {service}, which this worker does not have")]
    Missing {
        /// The kind.
        kind: &'static str,
        /// Type of the service.
        service: &'static str,
    },
}

/// The kinds of a checked registry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handlers(Arc<BTreeMap<&'static str, Handler>>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Handler {
    pub(crate) kind: &'static str,
    pub(crate) queue: Queue,
    pub(crate) timeout: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) run: fn(serde_json::Value, Run) -> BoxFuture<'static, Result<(), JobError>>,
}

impl Registry {
    /// The same with one kind more.
    #[must_use]
    pub fn register<J: Job>(mut self) -> Self {
        let handler = Handler {
            kind: J::KIND,
            queue: J::QUEUE,
            timeout: J::TIMEOUT,
            max_attempts: J::MAX_ATTEMPTS,
            run: |payload, run| Box::pin(run_job::<J>(payload, run)),
        };
        if self.handlers.insert(J::KIND, handler).is_some() {
            self.twice.push(J::KIND);
        }
        self.missing.push((J::KIND, J::requires()));
        self
    }

    /// Wire names, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.handlers.keys().copied()
    }

    /// Checks that every kind is there once and finds what it needs.
    pub fn build(self, resources: &Resources) -> Result<Handlers, RegistryError> {
        if let Some(kind) = self.twice.first() {
            return Err(RegistryError::Twice(kind));
        }
        for (kind, requirements) in &self.missing {
            if let Some(service) = requirements.iter().find_map(|requirement| requirement.missing_from(resources)) {
                return Err(RegistryError::Missing { kind, service });
            }
        }
        Ok(Handlers(Arc::new(self.handlers)))
    }
}

impl Handlers {
    /// Wire names, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// Where jobs of that kind wait.
    pub fn queue_of(&self, kind: &str) -> Option<Queue> {
        self.0.get(kind).map(|handler| handler.queue)
    }

    pub(crate) fn get(&self, kind: &str) -> Option<Handler> {
        self.0.get(kind).copied()
    }
}

async fn run_job<J: Job>(payload: serde_json::Value, run: Run) -> Result<(), JobError> {
    let job: J = serde_json::from_value(payload).map_err(JobError::fail)?;
    let context = J::Context::from_run(run).ok_or_else(|| JobError::fail("the row names no organization"))?;
    job.run(&context).await
}
