//! Background jobs of the organization: what waits, what failed, and what to do about it.

mod body;
mod decide;
mod list;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::handler)).routes(routes!(decide::retry)).routes(routes!(decide::discard))
}
