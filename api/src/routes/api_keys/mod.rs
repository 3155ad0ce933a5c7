//! Keys by which programs sign in.

mod body;
mod create;
mod delete;
mod list;
mod problem;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::handler, create::handler)).routes(routes!(delete::handler))
}
