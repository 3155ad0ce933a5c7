//! The HTTP service: routes, what surrounds them, and the document that describes them.
//!
//! A handler asks for the right it needs in its signature, begins a transaction of its tenant, calls one service of `crm`, commits and
//! answers; failures are problem documents. It writes records and enqueues work; it runs no job, and opens no socket to a provider.
//! Webhooks are verified and stored here, and applied by workers.

pub mod access_table;
pub mod bounces;
mod docs;
pub mod extract;
pub mod layers;
pub mod openapi;
pub mod problem;
mod router;
pub mod routes;
mod serve;
pub mod staff;
mod state;
pub mod upkeep;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use db::Strictness;
use kernel::SystemClock;
use runtime::Config;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use router::router;
pub use state::{AppState, Services};

/// Answers requests at the configured address until `stopping`; then finishes those it has.
pub async fn serve(config: Config, stopping: CancellationToken) -> anyhow::Result<()> {
    let address = SocketAddr::new(config.api.host, config.api.port);
    let strictness = Strictness::of(config.is_production());
    let state = AppState::open(config, Arc::new(SystemClock))?;
    let is_trusted = state.db.posture_at_start(&SystemClock, strictness).await?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on `api.host` and `api.port`, {address}"))?;
    let (db, ending) = (state.db.clone(), stopping.clone());
    let trusted = async move {
        if !is_trusted && let Some(outcome) = ending.run_until_cancelled(db.await_posture(&SystemClock, strictness)).await {
            outcome?;
        }
        Ok(())
    };
    tokio::try_join!(serve_on(listener, state, stopping), trusted)?;
    Ok(())
}

/// Answers requests on `listener` until `stopping`; then finishes those it has and closes the state.
pub async fn serve_on(listener: TcpListener, state: AppState, stopping: CancellationToken) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(address = %address, "listening on http://{address}");
    // Also the time for which a connection is kept open between requests, hence longer than that for a body.
    let head_time = 3 * Duration::from_millis(state.config.api.body_timeout_ms);
    serve::run(listener, router(state.clone()), head_time, stopping).await;
    state.close().await;
    Ok(())
}
