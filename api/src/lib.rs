//! The HTTP service: routes, what surrounds them, and the document that describes them.
//!
//! A handler asks for the right it needs in its signature, begins a transaction of its tenant, calls one service of `crm`, commits and
//! answers; failures are problem documents. It writes records and enqueues work; it runs no job, and opens no socket to a provider.
//! Webhooks are verified and stored here, and applied by workers.

pub mod extract;
pub mod layers;
pub mod openapi;
pub mod problem;
mod router;
pub mod routes;
mod state;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use kernel::SystemClock;
use runtime::Config;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use router::router;
pub use state::{AppState, Services};

/// Answers requests at the configured address until `stopping`; then finishes those it has.
pub async fn serve(config: Config, stopping: CancellationToken) -> anyhow::Result<()> {
    let address = SocketAddr::new(config.api.host, config.api.port);
    let state = AppState::open(config, Arc::new(SystemClock))?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on `api.host` and `api.port`, {address}"))?;
    serve_on(listener, state, stopping).await
}

/// Answers requests on `listener` until `stopping`; then finishes those it has and closes the state.
pub async fn serve_on(listener: TcpListener, state: AppState, stopping: CancellationToken) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(address = %address, "listening on http://{address}");
    let service = router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stopping.cancelled_owned()).await.context("the listener failed")?;
    state.close().await;
    Ok(())
}
