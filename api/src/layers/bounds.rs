//! How much of the process one kind of request may take: at once, in time and in bytes.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

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
}

impl Bounds {
    /// Ordinary requests.
    pub const ORDINARY: Self = Self { in_flight: 1_024, time: Duration::from_secs(30), body: 2 << 20 };
    /// Webhooks of the provider, which sends up to 3 MB (manual, "Webhooks").
    pub const WEBHOOKS: Self = Self { in_flight: 4_096, time: Duration::from_secs(30), body: 4 << 20 };
    /// Uploaded files, read as a stream.
    pub const UPLOADS: Self = Self { in_flight: 16, time: Duration::from_mins(10), body: 256 << 20 };

    /// Puts the bounds around the routes.
    pub fn around<S: Clone + Send + Sync + 'static>(self, routes: Router<S>) -> Router<S> {
        let turns = Arc::new(Semaphore::new(self.in_flight));
        routes.layer(DefaultBodyLimit::max(self.body)).layer(middleware::from_fn(move |request: Request, next: Next| {
            let turns = Arc::clone(&turns);
            async move { answer(&turns, self.time, request, next).await }
        }))
    }
}

async fn answer(turns: &Semaphore, time: Duration, request: Request, next: Next) -> Response {
    let Ok(_turn) = turns.try_acquire() else {
        metrics::counter!("http_requests_shed_total").increment(1);
        let detail = "too many requests are being answered at this moment";
        return Problem::unavailable("overloaded", detail, Duration::from_secs(1)).into_response();
    };
    tokio::time::timeout(time, next.run(request)).await.unwrap_or_else(|_| {
        let detail = "the request took too long and was given up";
        Problem::unavailable("timed-out", detail, Duration::from_secs(5)).into_response()
    })
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
        routing::get,
    };
    use tower::ServiceExt;

    use super::*;

    async fn status(bounds: Bounds) -> (StatusCode, bool) {
        let routes = Router::new().route("/", get(std::future::pending::<()>));
        let response = bounds.around(routes).oneshot(Request::new(Body::empty())).await.unwrap();
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
