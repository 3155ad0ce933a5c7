//! The routes, one folder for each domain. A domain's `routes()` lists them; here they are gathered by the bounds they live in.

mod campaigns;
mod channels;
mod contacts;
mod health;
mod identity;
mod jobs;
mod organizations;
mod templates;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Routes with small bodies and quick answers: nearly all.
pub(crate) fn ordinary() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .merge(health::routes())
        .merge(identity::routes())
        .merge(organizations::routes())
        .merge(jobs::routes())
        .merge(webhooks::routes())
        .merge(campaigns::routes())
        .merge(channels::routes())
        .merge(contacts::routes())
        .merge(templates::routes())
}

/// Routes that the provider calls.
pub(crate) fn webhooks() -> OpenApiRouter<AppState> {
    webhooks::received()
}

/// Routes that take files.
pub(crate) fn uploads() -> OpenApiRouter<AppState> {
    contacts::uploads()
}
