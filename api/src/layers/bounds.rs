//! How much of the process one kind of request may take: at once, in time and in bytes.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use super::body::{Late, Timed, Wait};
use crate::problem::Problem;

/// The bounds of a group of routes. What does not fit is refused at once, so that what is accepted is answered in time.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests answered at the same time.
    pub in_flight: usize,
    /// Longest time until the answer.
    pub time: Duration,
    /// Largest body, in bytes.
    pub body: usize,
    /// How the body is waited for.
    pub wait: Wait,
}

impl Bounds {
    /// Ordinary requests.
    pub const ORDINARY: Self = Self { in_flight: 1_024, time: Duration::from_secs(30), body: 1 << 20, wait: Wait::Whole };
    /// Webhooks of the provider, which sends up to 3 MB (manual, "Webhooks").
    pub const WEBHOOKS: Self = Self { in_flight: 4_096, time: Duration::from_secs(30), body: 4 << 20, wait: Wait::Whole };
    /// Uploaded files, read as a stream.
    pub const UPLOADS: Self = Self { in_flight: 16, time: Duration::from_mins(10), body: 256 << 20, wait: Wait::EachPart };
    /// Uploaded pictures: small, and each kept in memory until it was made anew. What is too large is read on for a while (`routes::files`).
    pub const PICTURES: Self = Self { in_flight: 32, time: Duration::from_secs(30), body: 16 << 20, wait: Wait::EachPart };

    /// Puts the bounds around the routes. Bodies are waited for as long as `body_time`.
    pub fn around<S: Clone + Send + Sync + 'static>(self, routes: Router<S>, body_time: Duration) -> Router<S> {
        let turns = Arc::new(Semaphore::new(self.in_flight));
        routes.layer(DefaultBodyLimit::max(self.body)).layer(middleware::from_fn(move |request: Request, next: Next| {
            let turns = Arc::clone(&turns);
            async move { self.answer(&turns, body_time, request, next).await }
        }))
    }

    async fn answer(self, turns: &Semaphore, body_time: Duration, request: Request, next: Next) -> Response {
        let Ok(_turn) = turns.try_acquire() else {
            metrics::counter!("http_requests_shed_total").increment(1);
            let detail = "too many requests are being answered at this moment";
            return Problem::unavailable("overloaded", detail, Duration::from_secs(1)).into_response();
        };
        let late = Late::default();
        let request = request.map(|body| Timed::around(body, self.wait, body_time, late.clone()));
        match tokio::time::timeout(self.time, next.run(request)).await {
            // Whatever a handler makes of a body that ends early: this is why it did.
            Ok(response) if late.is() && !response.status().is_success() => {
                let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the body did not come in time");
                problem.with_header(header::CONNECTION, HeaderValue::from_static("close")).into_response()
            }
            Ok(response) => response,
            Err(_) => {
                let detail = "the request took too long and was given up";
                Problem::unavailable("timed-out", detail, Duration::from_secs(5)).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use tower::ServiceExt;

    use super::*;

    async fn status(bounds: Bounds) -> (StatusCode, bool) {
        let routes = Router::new().route("/", get(std::future::pending::<()>));
        let response = bounds.around(routes, Duration::from_secs(1)).oneshot(Request::new(Body::empty())).await.unwrap();
        (response.status(), response.headers().contains_key(header::RETRY_AFTER))
    }

    #[tokio::test]
    async fn a_request_without_end_is_given_up() {
        assert_eq!(status(Bounds { time: Duration::from_millis(1), ..Bounds::ORDINARY }).await, (StatusCode::SERVICE_UNAVAILABLE, true));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused_at_once() {
        assert_eq!(status(Bounds { in_flight: 0, ..Bounds::ORDINARY }).await, (StatusCode::SERVICE_UNAVAILABLE, true));
    }
}
