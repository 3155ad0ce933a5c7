//! Clients: the organizations of the installation, for its staff.

mod body;
mod create;
mod list;
mod patch;
mod problem;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::handler, create::handler)).routes(routes!(show::handler, patch::handler))
}
