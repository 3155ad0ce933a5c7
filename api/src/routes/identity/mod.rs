//! Signing up, signing in, staying signed in.

mod accept_invitation;
mod body;
mod cookie;
mod device;
mod login;
mod logout;
mod me;
mod origin;
mod password;
mod problem;
mod profile;
mod refresh;
mod register;
mod sessions;
mod step_up;
mod two_step;
mod verify_email;

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
        .routes(routes!(me::handler, profile::handler))
        .routes(routes!(me::session))
        .routes(routes!(profile::update_phone))
        .routes(routes!(step_up::handler))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::revoke))
        .routes(routes!(sessions::revoke_others))
        .routes(routes!(password::forgot))
        .routes(routes!(password::reset))
        .routes(routes!(password::change))
        .routes(routes!(accept_invitation::handler))
        .routes(routes!(verify_email::handler))
        .routes(routes!(verify_email::resend))
        .routes(routes!(two_step::show, two_step::begin, two_step::disable))
        .routes(routes!(two_step::confirm))
        .routes(routes!(two_step::renew_recovery_codes))
}
