//! What is counted, how much of it there may be, and how that is told.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use runtime::config::LimitsConfig;

use crate::problem::Problem;

/// What is being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A registration.
    Registration,
    /// An attempt to prove who one is.
    Login,
    /// Asking for a link that resets a password, or using one.
    PasswordReset,
    /// Asking for such a link for one e-mail address.
    PasswordResetEmail,
    /// A mail to somebody whom an organization names.
    Invitation,
    /// A request that only reads.
    Read,
    /// A request that changes something.
    Write,
    /// An upload.
    Upload,
    /// An export.
    Export,
}

impl Counted {
    /// All of them, in the order of their declaration.
    pub(super) const ALL: [Self; 9] = [
        Self::Registration,
        Self::Login,
        Self::PasswordReset,
        Self::PasswordResetEmail,
        Self::Invitation,
        Self::Read,
        Self::Write,
        Self::Upload,
        Self::Export,
    ];

    pub(super) fn policy(self, config: &LimitsConfig) -> Policy {
        const SECOND: Duration = Duration::from_secs(1);
        const MINUTE: Duration = Duration::from_mins(1);
        const HOUR: Duration = Duration::from_hours(1);
        let (name, quota, window) = match self {
            Self::Registration => ("registrations", config.registrations_per_hour, HOUR),
            Self::Login => ("logins", config.logins_per_minute, MINUTE),
            Self::PasswordReset => ("passwordResets", config.password_resets_per_hour, HOUR),
            Self::PasswordResetEmail => ("passwordResetsOfEmail", config.password_resets_per_email_per_hour, HOUR),
            Self::Invitation => ("invitations", config.invitations_per_hour, HOUR),
            Self::Read => ("reads", config.requests_per_second, SECOND),
            Self::Write => ("writes", config.writes_per_minute, MINUTE),
            Self::Upload => ("uploads", config.uploads_per_hour, HOUR),
            Self::Export => ("exports", config.exports_per_hour, HOUR),
        };
        Policy { name, quota: quota.max(1), window }
    }
}

/// How much of something there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) name: &'static str,
    /// So many at once, and so many more in each window.
    pub(super) quota: u32,
    pub(super) window: Duration,
}

/// What counting one came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) policy: Policy,
    pub(super) fits: bool,
    pub(super) remaining: u32,
    /// Until the whole quota is there again; for what does not fit, until it would.
    pub(super) wait: Duration,
}

impl Verdict {
    pub(super) fn refusal(&self) -> Problem {
        metrics::counter!("http_requests_limited_total", "limit" => self.policy.name).increment(1);
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "too many of such requests; try again later")
            .with_retry_after(self.wait)
    }
}

/// # Source
/// draft-ietf-httpapi-ratelimit-headers: `RateLimit` and `RateLimit-Policy`, one member for each policy.
pub(super) fn tell(verdicts: &[Verdict], headers: &mut HeaderMap) {
    let mut set = |name, members: Vec<String>| {
        let value = HeaderValue::try_from(members.join(", ")).expect("digits and plain words");
        headers.insert(HeaderName::from_static(name), value);
    };
    if !verdicts.is_empty() {
        let seconds = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        set(
            "ratelimit",
            verdicts.iter().map(|told| format!("\"{}\";r={};t={}", told.policy.name, told.remaining, seconds(told.wait))).collect(),
        );
        let policies =
            verdicts.iter().map(|Verdict { policy, .. }| format!("\"{}\";q={};w={}", policy.name, policy.quota, policy.window.as_secs()));
        set("ratelimit-policy", policies.collect());
    }
}
