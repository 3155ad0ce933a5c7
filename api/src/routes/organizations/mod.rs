//! The profile of the organization, and the checklist of a new one.

mod body;
mod current;
mod onboarding;
mod problem;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) use body::OrganizationBody;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(current::show, current::change_profile))
        .routes(routes!(onboarding::show))
        .routes(routes!(onboarding::dismiss))
        .routes(routes!(onboarding::restore))
}
