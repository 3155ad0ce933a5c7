//! Message templates.

mod alias;
mod body;
mod create;
mod delete;
mod draft;
mod duplicate;
mod library;
mod list;
mod media;
mod preview;
mod preview_contacts;
mod problem;
mod replace;
mod rules;
mod show;
mod submit;
mod sync;
mod versions;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::handler, create::handler, delete::named))
        .routes(routes!(show::handler, replace::handler, delete::handler))
        .routes(routes!(submit::handler))
        .routes(routes!(draft::delete))
        .routes(routes!(versions::handler))
        .routes(routes!(duplicate::handler))
        .routes(routes!(library::list))
        .routes(routes!(library::begin))
        .routes(routes!(preview::handler))
        .routes(routes!(preview_contacts::handler))
        .routes(routes!(rules::handler))
        .routes(routes!(sync::handler))
        .routes(routes!(alias::list, alias::create))
        .routes(routes!(alias::show, alias::replace, alias::delete))
}

/// Routes that take files.
pub(super) fn uploads() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(media::handler))
}
