//! `/livez` and `/readyz`: whether the process lives, and whether it should get work.
//!
//! `/livez` says only that the event loop turns: an orchestrator that restarts every process because the database is away makes
//! things worse. `/readyz` asks what the process needs, and says no as soon as the process is stopping.

use std::{
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::HealthConfig;

/// Longest wait for one check.
const PATIENCE: Duration = Duration::from_secs(1);

type Answer = std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// What a failed check means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Need {
    /// Without it the process is not ready.
    Required,
    /// Without it the process is slower, yet ready.
    Optional,
}

struct Check {
    name: &'static str,
    need: Need,
    run: Box<dyn Fn() -> Answer + Send + Sync>,
}

/// The checks of a process. Built at the start, then shared with the routes.
pub struct Health {
    checks: Vec<Check>,
    stopping: CancellationToken,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.checks.iter().map(|check| check.name)).finish()
    }
}

/// What `/readyz` answers.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// `ready`, `degraded` (an optional part fails), `notReady` or `draining`.
    pub status: &'static str,
    /// One entry per check.
    pub checks: Vec<CheckResult>,
}

/// How one check went.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// What was asked.
    pub name: &'static str,
    /// What failing means.
    pub need: Need,
    /// Whether it is well.
    pub ok: bool,
    /// How long the answer took.
    pub duration_ms: u64,
    /// Why it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Readiness {
    /// Whether the process should get work.
    pub fn is_ready(&self) -> bool {
        matches!(self.status, "ready" | "degraded")
    }
}

impl Health {
    /// No checks yet; not ready once `stopping` is cancelled.
    pub fn new(stopping: CancellationToken) -> Self {
        Self { checks: Vec::new(), stopping }
    }

    /// Adds a check. Its error is shown to whoever asks, so it must name no secret; it has a second to answer.
    #[must_use]
    pub fn check<F>(mut self, name: &'static str, need: Need, run: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.push(Check { name, need, run: Box::new(move || Box::pin(run())) });
        self
    }

    /// Runs all checks at once.
    pub async fn readiness(&self) -> Readiness {
        let running: Vec<_> = self
            .checks
            .iter()
            .map(|check| {
                let started = Instant::now();
                let answer = tokio::spawn(tokio::time::timeout(PATIENCE, (check.run)()));
                (check, started, answer)
            })
            .collect();
        let mut checks = Vec::with_capacity(running.len());
        for (check, started, answer) in running {
            let reason = match answer.await {
                Ok(Ok(result)) => result.err(),
                Ok(Err(_)) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
                Err(_) => Some("the check itself failed".to_owned()),
            };
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            checks.push(CheckResult { name: check.name, need: check.need, ok: reason.is_none(), duration_ms, reason });
        }
        let fails = |need: Need| checks.iter().any(|check| check.need == need && !check.ok);
        let status = if self.stopping.is_cancelled() {
            "draining"
        } else if fails(Need::Required) {
            "notReady"
        } else if fails(Need::Optional) {
            "degraded"
        } else {
            "ready"
        };
        Readiness { status, checks }
    }

    /// `GET /livez` and `GET /readyz`, to be served or merged into other routes.
    pub fn routes<S: Clone + Send + Sync + 'static>(self: &Arc<Self>) -> Router<S> {
        Router::new()
            .route("/livez", get(async || Json(serde_json::json!({ "status": "alive" }))))
            .route("/readyz", get(readyz))
            .with_state(Arc::clone(self))
    }

    /// Answers on an address of its own until the process ends. Returns the address it listens on.
    ///
    /// It goes on answering while the process drains: not ready must be visible.
    pub async fn serve(self: &Arc<Self>, config: &HealthConfig) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(SocketAddr::new(config.host, config.port)).await?;
        let bound = listener.local_addr()?;
        let routes: Router = self.routes();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        info!(address = %bound, "health on http://{bound}/readyz");
        Ok(bound)
    }
}

async fn readyz(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let readiness = health.readiness().await;
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(stopping: &CancellationToken) -> Health {
        Health::new(stopping.clone()).check("database", Need::Required, async || Ok(()))
    }

    #[tokio::test]
    async fn a_required_part_that_fails_makes_the_process_not_ready() {
        let stopping = CancellationToken::new();
        assert_eq!(health(&stopping).readiness().await.status, "ready");
        let failing = health(&stopping).check("migrations", Need::Required, async || Err("behind".into()));
        let readiness = failing.readiness().await;
        assert_eq!((readiness.status, readiness.is_ready()), ("notReady", false));
        assert_eq!(readiness.checks[1].reason.as_deref(), Some("behind"));
    }

    #[tokio::test]
    async fn an_optional_part_that_fails_only_degrades_it() {
        let readiness = health(&CancellationToken::new()).check("redis", Need::Optional, async || Err("away".into())).readiness().await;
        assert_eq!((readiness.status, readiness.is_ready()), ("degraded", true));
    }

    #[tokio::test]
    async fn a_stopping_process_is_not_ready() {
        let stopping = CancellationToken::new();
        let health = health(&stopping);
        stopping.cancel();
        assert_eq!(health.readiness().await.status, "draining");
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_or_panics_fails() {
        let health = Health::new(CancellationToken::new()).check("hangs", Need::Required, std::future::pending).check(
            "panics",
            Need::Required,
            async || panic!("in the check"),
        );
        let readiness = health.readiness().await;
        assert_eq!(readiness.checks.iter().filter(|check| check.ok).count(), 0);
    }
}
