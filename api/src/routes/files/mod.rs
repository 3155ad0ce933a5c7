//! Files of organizations: the logo, and reading files by link.

mod alias;
mod body;
mod content;
mod form;
mod link;
mod logo_delete;
mod logo_show;
mod logo_upload;
mod problem;
mod serve;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) use self::{body::LogoBody, problem::object_problem};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(logo_show::handler, logo_delete::handler))
        .routes(routes!(alias::delete))
        .routes(routes!(link::handler))
        .routes(routes!(content::handler))
}

/// Routes that take pictures.
pub(super) fn uploads() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(logo_upload::handler)).routes(routes!(alias::upload)).routes(routes!(alias::upload_logo))
}
