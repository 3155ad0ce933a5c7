//! Webhooks of the provider, and the store of what it sent.

mod body;
mod handshake;
mod list;
mod problem;
mod receive;
mod replay;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

/// What the provider calls.
pub(super) fn received() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(handshake::handler, receive::handler)).routes(routes!(handshake::incoming, receive::incoming))
}

/// The store of what it sent.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::handler)).routes(routes!(show::handler)).routes(routes!(replay::handler))
}
