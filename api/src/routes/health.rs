//! Whether the service is alive, ready and well.

use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{extract::Json, problem::Problem, state::AppState};

/// Longest wait for one store.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(health)).routes(routes!(livez)).routes(routes!(readyz))
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
struct HealthBody {
    /// `ok`; `degraded` when what makes it faster is missing, or the store of files; `down` when it cannot work.
    status: &'static str,
    /// Version of the build.
    version: &'static str,
    /// `up` or `down`.
    database: &'static str,
    /// `up`, `down`, or `absent` when none is configured.
    redis: &'static str,
    /// `up` when people can sign in.
    auth: &'static str,
    /// `up`, or `unavailable`: then files can be neither uploaded nor read, and everything else works.
    storage: &'static str,
    /// `current` or `behind` the build; `unknown` when the database is down.
    migrations: &'static str,
    /// The job ledger.
    queue: QueueBody,
}

/// How far the workers are behind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueueBody {
    /// Age of the oldest due job, in seconds: 0 when none waits, null when unknown.
    oldest_pending_seconds: Option<f64>,
}

/// How the service and its stores are.
#[utoipa::path(get, path = "/api/health", tag = "health", security(()), responses(
    (status = 200, description = "Works", body = HealthBody),
    (status = 503, description = "Does not work", body = HealthBody),
))]
async fn health(State(state): State<AppState>) -> (StatusCode, Json<HealthBody>) {
    let (migrations, redis, storage, oldest) = tokio::join!(migrations(&state), redis(&state), storage(&state), oldest_pending(&state));
    let database = if migrations == "unknown" { "down" } else { "up" };
    let works = migrations == "current";
    let status = match (works, redis, storage) {
        (false, ..) => "down",
        (true, "down", _) | (true, _, "unavailable") => "degraded",
        (true, ..) => "ok",
    };
    let body = HealthBody {
        status,
        version: env!("CARGO_PKG_VERSION"),
        database,
        redis,
        auth: database,
        storage,
        migrations,
        queue: QueueBody { oldest_pending_seconds: oldest },
    };
    (if works { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/livez", tag = "health", security(()), responses((status = 200, description = "Alive")))]
async fn livez() -> &'static str {
    "alive\n"
}

/// Whether the process can do its work.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses((status = 200, description = "Ready")))]
async fn readyz(State(state): State<AppState>) -> Result<&'static str, Problem> {
    match migrations(&state).await {
        "current" => Ok("ready\n"),
        "behind" => Err(Problem::unavailable("migrations-behind", "the database schema is older than this build", PATIENCE)),
        _ => Err(Problem::unavailable("database-unavailable", "the service cannot reach its database", PATIENCE)),
    }
}

async fn migrations(state: &AppState) -> &'static str {
    match tokio::time::timeout(PATIENCE, state.db.migration_state()).await {
        Ok(Ok(found)) if found.is_current() => "current",
        Ok(Ok(_)) => "behind",
        _ => "unknown",
    }
}

async fn redis(state: &AppState) -> &'static str {
    let Some(url) = &state.config.redis.url else { return "absent" };
    match tokio::time::timeout(PATIENCE, queue::doorbell::ping(url)).await {
        Ok(Ok(())) => "up",
        _ => "down",
    }
}

async fn storage(state: &AppState) -> &'static str {
    match tokio::time::timeout(PATIENCE, state.files.check()).await {
        Ok(Ok(())) => "up",
        _ => "unavailable",
    }
}

async fn oldest_pending(state: &AppState) -> Option<f64> {
    let lag = tokio::time::timeout(PATIENCE, state.jobs.lag()).await.ok()?.ok()?;
    Some(lag.iter().map(|lag| lag.oldest_seconds).fold(0.0, f64::max))
}
