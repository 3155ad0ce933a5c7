//! How often one client address may ask. Counted in this process: with several, each grants its own share.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{Extensions, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};
use runtime::config::LimitsConfig;

use crate::{problem::Problem, state::AppState};

/// Addresses are forgotten, once they have their full quota again, every so many questions.
const SWEEP_EVERY: u32 = 4_096;

/// Routes that are not counted: the provider's webhooks and the questions of whoever watches this process.
const UNCOUNTED: [&str; 6] = ["/api/whatsapp/webhook", "/webhook/incoming", "/api/health", "/livez", "/readyz", "/api/openapi.json"];

/// The limits of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Limits {
    requests: Arc<Limit>,
    registrations: Arc<Limit>,
    logins: Arc<Limit>,
}

/// What is being counted.
#[derive(Clone, Copy, Debug)]
pub enum Counted {
    /// Any request.
    Request,
    /// A registration.
    Registration,
    /// An attempt to sign in.
    Login,
}

#[derive(Debug)]
struct Limit {
    name: &'static str,
    quota: u32,
    window: Duration,
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    asked: AtomicU32,
}

impl Limits {
    /// The limits of the settings; zero counts as one.
    pub fn new(config: &LimitsConfig) -> Self {
        let limit = |name, quota: u32, window: Duration, per: fn(NonZeroU32) -> Quota| {
            let quota = NonZeroU32::new(quota).unwrap_or(NonZeroU32::MIN);
            let limiter = DefaultKeyedRateLimiter::keyed(per(quota));
            Arc::new(Limit { name, quota: quota.get(), window, limiter, asked: AtomicU32::new(0) })
        };
        Self {
            requests: limit("requests", config.requests_per_second, Duration::from_secs(1), Quota::per_second),
            registrations: limit("registrations", config.registrations_per_hour, Duration::from_hours(1), Quota::per_hour),
            logins: limit("logins", config.logins_per_minute, Duration::from_mins(1), Quota::per_minute),
        }
    }

    /// Counts one for the address, or says 429. Requests without an address, which do not come through a listener, are not counted.
    pub fn count(&self, what: Counted, client: Option<IpAddr>) -> Result<(), Problem> {
        let limit = match what {
            Counted::Request => &self.requests,
            Counted::Registration => &self.registrations,
            Counted::Login => &self.logins,
        };
        client.map_or(Ok(()), |client| limit.count(client))
    }
}

impl Limit {
    fn count(&self, client: IpAddr) -> Result<(), Problem> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&group(client)).map_err(|denied| {
            let wait = denied.wait_time_from(DefaultClock::default().now());
            self.refuse(wait.max(Duration::from_secs(1)))
        })
    }

    /// # Source
    /// draft-ietf-httpapi-ratelimit-headers: `RateLimit` and `RateLimit-Policy`, and the three headers of its earlier revisions.
    fn refuse(&self, wait: Duration) -> Problem {
        metrics::counter!("http_requests_limited_total", "limit" => self.name).increment(1);
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let texts = [
            ("ratelimit", format!("\"{}\";r=0;t={seconds}", self.name)),
            ("ratelimit-policy", format!("\"{}\";q={};w={}", self.name, self.quota, self.window.as_secs())),
            ("ratelimit-limit", self.quota.to_string()),
            ("ratelimit-remaining", "0".into()),
            ("ratelimit-reset", seconds.to_string()),
        ];
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "this address has asked too often");
        texts.into_iter().fold(problem.with_retry_after(wait), |problem, (name, text)| {
            let value = HeaderValue::try_from(text).expect("digits and plain words");
            problem.with_header(HeaderName::from_static(name), value)
        })
    }
}

/// Refuses an address that asks too often.
pub async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let counted = request.extensions().get::<MatchedPath>().is_none_or(|path| !UNCOUNTED.contains(&path.as_str()));
    if counted && let Err(problem) = state.limits.count(Counted::Request, client(request.extensions())) {
        return problem.into_response();
    }
    next.run(request).await
}

/// The address at the other end of the connection. Forwarded addresses are not believed: anybody can write them.
pub fn client(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical())
}

/// One customer has a whole /64 of IPv6 addresses.
fn group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn an_address_that_asks_too_often_is_told_when_to_come_back() {
        let limits = Limits::new(&LimitsConfig { registrations_per_hour: 2, ..LimitsConfig::default() });
        let count = |address: &str| limits.count(Counted::Registration, Some(address.parse().unwrap()));
        assert!(count("192.0.2.1").is_ok());
        assert!(count("192.0.2.1").is_ok());
        let response = count("192.0.2.1").unwrap_err().into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        assert_eq!(response.headers()["ratelimit-policy"], "\"registrations\";q=2;w=3600");
        assert!(count("192.0.2.2").is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        assert_eq!(group("2001:db8::1".parse().unwrap()), group("2001:db8::ffff".parse().unwrap()));
        assert_ne!(group("2001:db8::1".parse().unwrap()), group("2001:db8:0:1::1".parse().unwrap()));
    }
}
