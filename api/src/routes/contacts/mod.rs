//! Contacts, and their import from files.

mod body;
mod create;
mod delete;
mod import;
mod import_body;
mod import_rejected;
mod import_show;
mod list;
mod patch;
mod problem;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::handler, create::handler))
        .routes(routes!(list::whatsapp))
        .routes(routes!(show::handler, patch::handler, delete::handler))
        .routes(routes!(import_show::handler))
        .routes(routes!(import_rejected::handler))
}

/// Routes that take files.
pub(super) fn uploads() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(import::handler))
}
