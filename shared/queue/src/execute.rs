//! Runs one claimed job to its end and writes down what came of it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use db::DbError;
use futures::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{Claim, Handlers, JobError, Ledger, Services, backoff, context::Run, trace};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The work is done.
    Done,
    /// It failed and will be tried again.
    Retry,
    /// It asked to come back later.
    Snoozed,
    /// It failed for good, or once too often.
    Dead,
    /// It panicked; it comes back unless it did so three times in a row.
    Crashed,
    /// It was cut off by a stopping worker and waits again.
    GivenBack,
    /// Another worker had taken it meanwhile, or the ledger could not be reached in time: nothing was written.
    Lost,
}

impl Outcome {
    /// Word for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry => "retry",
            Self::Snoozed => "snoozed",
            Self::Dead => "dead",
            Self::Crashed => "crashed",
            Self::GivenBack => "givenBack",
            Self::Lost => "lost",
        }
    }
}

/// Tokens by which a worker speaks to a running job.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// The worker stops: the job may end early by itself.
    pub stop: CancellationToken,
    /// The worker's patience is over: the job is cut off and given back.
    pub abort: CancellationToken,
    /// The claim is lost: the job is cut off and nothing is written.
    pub lost: CancellationToken,
}

enum End {
    Ran(Result<(), JobError>),
    Panicked(String),
    TimedOut,
    Aborted,
    Lost,
}

/// Runs `claim` under a span of its own that is linked to the trace of who enqueued it, then settles it in the ledger.
/// Never fails: whatever happens is an [`Outcome`] and one line in the log.
pub async fn execute(ledger: &Ledger, handlers: &Handlers, services: Arc<Services>, claim: Claim, signals: Signals) -> Outcome {
    let span = tracing::info_span!(
        parent: None,
        "job",
        otel.name = %claim.kind,
        job.id = %claim.id,
        job.kind = %claim.kind,
        job.attempt = claim.attempt(),
        organization.id = claim.organization.map(tracing::field::display),
    );
    if let Some(parent) = &claim.trace_parent {
        trace::link(&span, parent);
    }
    run(ledger, handlers, services, claim, signals).instrument(span).await
}

async fn run(ledger: &Ledger, handlers: &Handlers, services: Arc<Services>, claim: Claim, signals: Signals) -> Outcome {
    let begun = Instant::now();
    let Some(handler) = handlers.get(&claim.kind) else {
        // The ledger only hands out kinds it was told of.
        tracing::error!(job.kind = claim.kind, "no handler for a claimed job");
        return Outcome::Lost;
    };
    let kind = handler.kind;
    metrics::counter!("jobs_started_total", "kind" => kind).increment(1);
    if let Some(started) = claim.started_at {
        let waited = (started - claim.run_at).to_std().unwrap_or_default();
        metrics::histogram!("job_wait_seconds", "queue" => handler.queue.name()).record(waited);
    }

    let held = claim.held();
    let attempt = claim.attempt();
    let run = Run::new(services, &claim, signals.stop.clone());
    let id = claim.id;
    let work = AssertUnwindSafe(async move { (handler.run)(claim.payload, run).await }).catch_unwind();
    let end = tokio::select! {
        biased;
        () = signals.lost.cancelled() => End::Lost,
        () = signals.abort.cancelled() => End::Aborted,
        ran = tokio::time::timeout(handler.timeout, work) => match ran {
            Ok(Ok(result)) => End::Ran(result),
            Ok(Err(panic)) => End::Panicked(panic_text(&*panic)),
            Err(_) => End::TimedOut,
        },
    };

    let (outcome, error) = match end {
        End::Lost => (Outcome::Lost, None),
        End::Aborted => (settled(Outcome::GivenBack, || ledger.snooze(held, Duration::ZERO)).await, None),
        End::Ran(Ok(())) => (settled(Outcome::Done, || ledger.complete(held)).await, None),
        End::Ran(Err(JobError::Snooze(wait))) => (settled(Outcome::Snoozed, || ledger.snooze(held, wait)).await, None),
        End::Ran(Err(JobError::Fail(error))) => {
            let text = chain(&*error);
            (settled(Outcome::Dead, || ledger.bury(held, &text)).await, Some(text))
        }
        End::Ran(Err(JobError::Retry(error))) => retry(ledger, held, attempt, handler.max_attempts, chain(&*error)).await,
        End::TimedOut => {
            let text = format!("stopped after its timeout of {} s", handler.timeout.as_secs());
            retry(ledger, held, attempt, handler.max_attempts, text).await
        }
        End::Panicked(text) => {
            let text = format!("panicked: {text}");
            let wait = backoff::after_attempt(1, rand::random());
            let state = persist(|| ledger.crash(held, wait, &text)).await;
            let outcome = match state.as_ref().map(Option::as_deref) {
                Ok(Some("dead")) => Outcome::Dead,
                Ok(Some(_)) => Outcome::Crashed,
                Ok(None) | Err(_) => Outcome::Lost,
            };
            (outcome, Some(text))
        }
    };

    let duration = begun.elapsed();
    metrics::counter!("jobs_finished_total", "kind" => kind, "outcome" => outcome.name()).increment(1);
    metrics::histogram!("job_duration_seconds", "kind" => kind).record(duration);
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let ended = outcome.name();
    match (outcome, &error) {
        (Outcome::Dead | Outcome::Crashed, error) => {
            tracing::error!(job.outcome = ended, duration_ms, error, "job {kind} {id}: {ended}");
        }
        (Outcome::Retry | Outcome::Lost, error) => {
            tracing::warn!(job.outcome = ended, duration_ms, error, "job {kind} {id}: {ended}");
        }
        _ => tracing::info!(job.outcome = ended, duration_ms, "job {kind} {id}: {ended}"),
    }
    outcome
}

async fn retry(ledger: &Ledger, held: crate::Held, attempt: u32, max_attempts: u32, text: String) -> (Outcome, Option<String>) {
    let outcome = if attempt >= max_attempts {
        settled(Outcome::Dead, || ledger.bury(held, &text)).await
    } else {
        let wait = backoff::after_attempt(attempt, rand::random());
        settled(Outcome::Retry, || ledger.retry(held, wait, &text)).await
    };
    (outcome, Some(text))
}

async fn settled<F: Future<Output = Result<bool, DbError>>>(wanted: Outcome, write: impl FnMut() -> F) -> Outcome {
    match persist(write).await {
        Ok(true) => wanted,
        Ok(false) | Err(_) => Outcome::Lost,
    }
}

/// Writes again while the database is away for a moment: each write names its claim, so a second one changes nothing.
async fn persist<T, F: Future<Output = Result<T, DbError>>>(write: impl FnMut() -> F) -> Result<T, DbError> {
    let schedule = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(8)
        .with_jitter();
    let result = write.retry(schedule).await;
    if let Err(error) = &result {
        tracing::error!(error = chain(error), "cannot settle the job; its lease will end");
    }
    result
}

/// The error with its causes, on one line and of bounded length.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.chars().filter(|character| *character != '\0').take(2000).collect()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".into())
}
