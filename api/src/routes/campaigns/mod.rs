//! Campaigns: draft, launch, watch, pause, and what happened to each recipient.

mod act;
mod analytics;
mod body;
mod draft;
mod list;
mod problem;
mod recipients;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::handler, draft::create))
        .routes(routes!(show::handler, draft::change, draft::delete))
        .routes(routes!(act::send))
        .routes(routes!(act::pause))
        .routes(routes!(act::resume))
        .routes(routes!(act::cancel))
        .routes(routes!(analytics::handler))
        .routes(routes!(recipients::handler))
}
