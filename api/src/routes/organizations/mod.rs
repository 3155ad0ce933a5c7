//! The profile of the organization.

mod current;
mod problem;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) use current::OrganizationBody;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(current::show, current::change))
}
