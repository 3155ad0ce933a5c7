//! All routes, with what surrounds them.

use std::time::Duration;

use axum::{Router, http::StatusCode, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    docs,
    layers::{bounds::Bounds, client, form, headers, idempotency, observe, rate},
    problem::Problem,
    routes,
    state::AppState,
};

/// The HTTP service.
pub fn router(state: AppState) -> Router {
    let once = || middleware::from_fn_with_state(state.clone(), idempotency::once);
    let (ordinary, _) = routes::ordinary().split_for_parts();
    let (webhooks, _) = routes::webhooks().split_for_parts();
    let (uploads, _) = routes::uploads().split_for_parts();
    let (pictures, _) = routes::pictures().split_for_parts();
    let body_time = Duration::from_millis(state.config.api.body_timeout_ms);
    Router::new()
        .merge(Bounds::ORDINARY.around(ordinary.layer(once()), body_time))
        .merge(Bounds::WEBHOOKS.around(webhooks, body_time))
        .merge(Bounds::UPLOADS.around(uploads.layer(once()), body_time))
        .merge(Bounds::PICTURES.around(pictures.layer(once()), body_time))
        .merge(docs::routes())
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        // The last one is the outermost.
        .layer(middleware::from_fn_with_state(state.clone(), rate::limit))
        .layer(middleware::from_fn_with_state(state.clone(), client::locate))
        .layer(middleware::from_fn(form::check))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(headers::cors(&state.config.api.allowed_origins))
        .layer(middleware::from_fn(headers::secure))
        .layer(middleware::from_fn(observe::observe))
        .with_state(state)
}

async fn no_such_route() -> Problem {
    Problem::not_found("route-not-found", "there is no such route")
}

async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "the route does not answer this method")
}
