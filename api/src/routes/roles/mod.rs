//! Roles, and the rights that they are made of.

mod body;
mod create;
mod delete;
mod list;
mod patch;
mod permissions;
mod problem;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::handler, create::handler))
        .routes(routes!(show::handler, patch::handler, delete::handler))
        .routes(routes!(permissions::handler))
}
