//! How often somebody may ask. Counted in Redis for all processes together, and in each process by itself while Redis is away.

mod class;
mod identity;
mod local;
mod policy;
mod shared;

use std::{cell::RefCell, fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hmac::{Hmac, KeyInit, Mac};
use runtime::config::{LimitsConfig, RedisConfig};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

pub use self::{identity::Identity, policy::Counted};
use self::{local::Local, policy::Verdict, shared::Shared};
use crate::{problem::Problem, state::AppState};

tokio::task_local! {
    /// What the answer to the present request tells about what was counted.
    static TOLD: RefCell<Vec<Verdict>>;
}

/// The limits. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Parts>);

struct Parts {
    /// One for each [`Counted`], in the order of their declaration.
    local: [Local; Counted::ALL.len()],
    policies: [policy::Policy; Counted::ALL.len()],
    shared: Option<Arc<Shared>>,
    /// Hides e-mail addresses from whoever looks into Redis.
    hiding: Hmac<Sha256>,
}

impl Limits {
    /// The limits of the settings; zero counts as one. `secret` is the installation's. Needs a running Tokio runtime when there is Redis; an
    /// address of Redis that cannot be used is an error, one that does not answer is tried for ever.
    pub fn new(config: &LimitsConfig, redis: &RedisConfig, secret: &SecretString) -> Result<Self, redis::RedisError> {
        let policies = Counted::ALL.map(|counted| counted.policy(config));
        let shared = redis.url.as_ref().map(Shared::start).transpose()?;
        let mut hiding = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("a key of any length");
        hiding.update(b"request limits");
        Ok(Self(Arc::new(Parts { local: policies.map(Local::new), policies, shared, hiding })))
    }

    /// Counts one, or says 429. What came of it is told in the headers of the answer.
    pub async fn count(&self, what: Counted, who: impl Into<Identity>) -> Result<(), Problem> {
        let Some(label) = self.label(&who.into()) else { return Ok(()) };
        let verdict = match &self.0.shared {
            Some(shared) => shared.count(self.0.policies[what as usize], &label).await,
            None => None,
        };
        let verdict = verdict.unwrap_or_else(|| self.0.local[what as usize].count(&label));
        // Outside a request, and in tasks that one has spawned, there is nobody to tell.
        let _ = TOLD.try_with(|told| told.borrow_mut().push(verdict));
        if verdict.fits { Ok(()) } else { Err(verdict.refusal()) }
    }

    /// Whether all processes count together at this moment.
    pub fn are_shared(&self) -> bool {
        self.0.shared.as_ref().is_some_and(|shared| shared.is_open())
    }

    fn label(&self, who: &Identity) -> Option<String> {
        Some(match who {
            Identity::Address(address) => format!("address:{address}"),
            Identity::User(user) => format!("user:{user}"),
            Identity::Key(key) => format!("key:{key}"),
            Identity::Organization(organization) => format!("organization:{organization}"),
            Identity::Email(address) => {
                let mac = self.0.hiding.clone().chain_update(address.as_str()).finalize().into_bytes();
                format!("email:{}", hex::encode(&mac[..16]))
            }
            Identity::Nobody => return None,
        })
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limits").field(&self.0.policies).finish()
    }
}

/// Refuses who asks too often, and tells everybody how often they may.
pub async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(what) = class::of(&request) else { return next.run(request).await };
    let who = Identity::of(&request, &state);
    let answer = async {
        let mut response = match state.limits.count(what, who).await {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        };
        TOLD.with(|told| policy::tell(&told.borrow(), response.headers_mut()));
        response
    };
    TOLD.scope(RefCell::default(), answer).await
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};

    use super::*;

    fn limits(config: &LimitsConfig) -> Limits {
        Limits::new(config, &RedisConfig::default(), &"secret".into()).unwrap()
    }

    #[tokio::test]
    async fn who_asks_too_often_is_told_when_to_come_back() {
        let limits = limits(&LimitsConfig { registrations_per_hour: 2, ..LimitsConfig::default() });
        let count = async |address: &str| {
            let counted = limits.count(Counted::Registration, Some(address.parse().unwrap()));
            TOLD.scope(RefCell::default(), async {
                let mut response = counted.await.into_response();
                TOLD.with(|told| policy::tell(&told.borrow(), response.headers_mut()));
                response
            })
            .await
        };
        let first = count("192.0.2.1").await;
        assert_eq!(first.headers()["ratelimit"], "\"registrations\";r=1;t=1800");
        assert_eq!(first.headers()["ratelimit-policy"], "\"registrations\";q=2;w=3600");
        assert_eq!(count("192.0.2.1").await.status(), StatusCode::OK);
        let third = count("192.0.2.1").await;
        assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(third.headers()["ratelimit"], "\"registrations\";r=0;t=1800");
        assert_eq!(third.headers()[header::RETRY_AFTER], "1800");
        assert_eq!(count("192.0.2.2").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn letter_case_makes_no_other_address_and_redis_does_not_learn_it() {
        let limits = limits(&LimitsConfig::default());
        let label = |text| limits.label(&Identity::from(&kernel::EmailAddress::parse(text).unwrap())).unwrap();
        assert_eq!(label("Ada@example.com"), label("ada@example.com"));
        assert!(!label("ada@example.com").contains("ada"));
    }
}
