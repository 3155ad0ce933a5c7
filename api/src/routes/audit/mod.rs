//! Who did what: the audit log of the organization.

mod body;
mod export;
mod list;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::handler)).routes(routes!(export::handler))
}
