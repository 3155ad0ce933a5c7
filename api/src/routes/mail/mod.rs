//! Mails that were sent, and their texts.

mod body;
mod list;
mod problem;
mod show;
mod template_list;
mod template_preview;
mod template_replace;
mod template_reset;
mod template_show;
mod template_test;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::handler))
        .routes(routes!(show::handler))
        .routes(routes!(template_list::handler))
        .routes(routes!(template_show::handler, template_replace::handler, template_reset::handler))
        .routes(routes!(template_preview::handler))
        .routes(routes!(template_test::handler))
}
