//! Message templates.

mod alias;
mod body;
mod create;
mod delete;
mod list;
mod preview;
mod problem;
mod replace;
mod show;
mod submit;
mod sync;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::handler, create::handler))
        .routes(routes!(show::handler, replace::handler, delete::handler))
        .routes(routes!(submit::handler))
        .routes(routes!(preview::handler))
        .routes(routes!(sync::handler))
        .routes(routes!(alias::list, alias::create))
        .routes(routes!(alias::show, alias::replace, alias::delete))
}
