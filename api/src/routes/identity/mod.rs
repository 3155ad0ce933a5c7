//! Signing up, signing in, staying signed in.

mod body;
mod cookie;
mod login;
mod logout;
mod me;
mod origin;
mod problem;
mod refresh;
mod register;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(register::handler))
        .routes(routes!(register::signup))
        .routes(routes!(register::signup_short))
        .routes(routes!(login::handler))
        .routes(routes!(login::credentials))
        .routes(routes!(refresh::handler))
        .routes(routes!(logout::handler))
        .routes(routes!(me::handler))
        .routes(routes!(me::session))
}
