//! The members of an organization.

mod act;
mod body;
mod invite;
mod list;
mod patch;
mod problem;
mod show;
mod two_step;
mod withdraw;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::handler, invite::handler))
        .routes(routes!(show::handler, patch::handler, withdraw::handler))
        .routes(routes!(act::disable))
        .routes(routes!(act::enable))
        .routes(routes!(act::resend_invitation))
        .routes(routes!(act::revoke_sessions))
        .routes(routes!(two_step::take))
}
