//! The orderly end of a process, and the tasks it consists of.
//!
//! The first SIGTERM or SIGINT cancels a token that every part watches: nothing new is taken, what runs is finished. A second
//! signal ends the process at once.

use std::{collections::HashMap, io, time::Duration};

use anyhow::{Context, anyhow};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::{Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Exit status after a second signal, as shells report an interrupted program.
const INTERRUPTED: i32 = 130;

/// Says when the process has to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// Listens for SIGTERM and SIGINT from now on.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::default();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let token = shutdown.token.clone();
        tokio::spawn(async move {
            either(&mut terminate, &mut interrupt).await;
            info!("stopping; a second signal ends the process at once");
            token.cancel();
            either(&mut terminate, &mut interrupt).await;
            warn!("second signal: ending at once");
            std::process::exit(INTERRUPTED);
        });
        Ok(shutdown)
    }

    /// Cancelled when the process has to stop.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Stops the process as a signal would.
    pub fn stop(&self) {
        self.token.cancel();
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The named tasks of a process. All are vital: one that ends before the process was told to stop takes the others down in good
/// order, and the process fails.
#[derive(Debug)]
pub struct Tasks {
    shutdown: Shutdown,
    running: JoinSet<anyhow::Result<()>>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// No tasks yet.
    pub fn new(shutdown: Shutdown) -> Self {
        Self { shutdown, running: JoinSet::new(), names: HashMap::new() }
    }

    /// Starts `task`. It has to watch the token of the shutdown and end by itself when that is cancelled.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let handle = self.running.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits until all tasks have ended. Once the process is stopping they have `patience` left.
    ///
    /// # Errors
    /// The first failure: a task that ended unasked, failed, panicked or did not end in time.
    pub async fn finish(mut self, patience: Duration) -> anyhow::Result<()> {
        let stopping = self.shutdown.token();
        let mut outcome = Ok(());
        while let Some(ended) = stopping.run_until_cancelled(self.running.join_next_with_id()).await.flatten() {
            let (name, result) = self.result(ended);
            if stopping.is_cancelled() {
                outcome = outcome.and(result);
                break;
            }
            let failure = result.err().unwrap_or_else(|| anyhow!("`{name}` ended unasked"));
            error!(task = name, "{failure:#}: stopping the process");
            outcome = outcome.and(Err(failure));
            stopping.cancel();
        }
        let ended_in_time = tokio::time::timeout(patience, async {
            while let Some(ended) = self.running.join_next_with_id().await {
                let (name, result) = self.result(ended);
                if let Err(failure) = &result {
                    error!(task = name, "{failure:#}");
                }
                outcome = std::mem::replace(&mut outcome, Ok(())).and(result);
            }
        })
        .await;
        if ended_in_time.is_err() {
            let mut late: Vec<_> = self.names.values().copied().collect();
            late.sort_unstable();
            self.running.abort_all();
            return outcome.and(Err(anyhow!("still running {} s after the stop: {}", patience.as_secs(), late.join(", "))));
        }
        outcome
    }

    fn result(&mut self, ended: Result<(Id, anyhow::Result<()>), JoinError>) -> (&'static str, anyhow::Result<()>) {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(panicked) => (panicked.id(), Err(panicked.into())),
        };
        let name = self.names.remove(&id).unwrap_or("a task");
        (name, result.with_context(|| format!("`{name}` failed")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn until_stopped(shutdown: &Shutdown) -> anyhow::Result<()> {
        shutdown.token().cancelled().await;
        Ok(())
    }

    fn tasks(shutdown: &Shutdown) -> Tasks {
        let mut tasks = Tasks::new(shutdown.clone());
        let waiting = shutdown.clone();
        tasks.spawn("server", async move { until_stopped(&waiting).await });
        tasks
    }

    #[tokio::test]
    async fn a_stop_that_was_asked_for_is_no_failure() {
        let shutdown = Shutdown::default();
        let tasks = tasks(&shutdown);
        shutdown.stop();
        tasks.finish(Duration::from_secs(5)).await.expect("an orderly end");
    }

    #[tokio::test]
    async fn a_task_that_ends_unasked_stops_the_others_and_fails_the_process() {
        let shutdown = Shutdown::default();
        let mut tasks = tasks(&shutdown);
        tasks.spawn("poller", async { Ok(()) });
        let failure = tasks.finish(Duration::from_secs(5)).await.expect_err("a failure");
        assert_eq!(failure.to_string(), "`poller` ended unasked");
        assert!(shutdown.token().is_cancelled());
    }

    #[tokio::test]
    async fn a_task_that_fails_or_panics_is_named() {
        let shutdown = Shutdown::default();
        let mut failing = tasks(&shutdown);
        failing.spawn("poller", async { Err(anyhow!("no database")) });
        let failure = failing.finish(Duration::from_secs(5)).await.expect_err("a failure");
        assert_eq!(format!("{failure:#}"), "`poller` failed: no database");

        let mut panicking = Tasks::new(Shutdown::default());
        panicking.spawn("lanes", async { panic!("a bug") });
        let failure = panicking.finish(Duration::from_secs(5)).await.expect_err("a failure");
        assert!(failure.to_string().contains("`lanes` failed"), "{failure:#}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_in_time_is_named() {
        let shutdown = Shutdown::default();
        let mut tasks = tasks(&shutdown);
        tasks.spawn("drain", std::future::pending());
        shutdown.stop();
        let failure = tasks.finish(Duration::from_secs(25)).await.expect_err("a failure");
        assert_eq!(failure.to_string(), "still running 25 s after the stop: drain");
    }
}
