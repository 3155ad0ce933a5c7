//! The routes, one folder for each domain. A domain's `routes()` lists them; here they are gathered by the bounds they live in.

mod api_keys;
mod audit;
mod campaigns;
mod channels;
mod clients;
mod contacts;
mod files;
mod health;
mod identity;
mod jobs;
mod mail;
mod organizations;
mod roles;
mod templates;
mod upload;
mod users;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Routes with small bodies and quick answers: nearly all.
pub(crate) fn ordinary() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .merge(health::routes())
        .merge(identity::routes())
        .merge(organizations::routes())
        .merge(users::routes())
        .merge(roles::routes())
        .merge(api_keys::routes())
        .merge(clients::routes())
        .merge(jobs::routes())
        .merge(mail::routes())
        .merge(audit::routes())
        .merge(webhooks::routes())
        .merge(campaigns::routes())
        .merge(channels::routes())
        .merge(contacts::routes())
        .merge(files::routes())
        .merge(templates::routes())
}

/// Routes that the provider calls.
pub(crate) fn webhooks() -> OpenApiRouter<AppState> {
    webhooks::received()
}

/// Routes that take files.
pub(crate) fn uploads() -> OpenApiRouter<AppState> {
    contacts::uploads().merge(templates::uploads())
}

/// Routes that take pictures.
pub(crate) fn pictures() -> OpenApiRouter<AppState> {
    files::uploads()
}
