//! Counting in the memory of this process, for when Redis cannot be asked.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use super::policy::{Policy, Verdict};

/// Who has the full quota again is forgotten every so many questions.
const SWEEP_EVERY: u32 = 4_096;

type Limiter = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

#[derive(Debug)]
pub(super) struct Local {
    policy: Policy,
    limiter: Limiter,
    asked: AtomicU32,
}

impl Local {
    pub(super) fn new(policy: Policy) -> Self {
        let quota = NonZeroU32::new(policy.quota).unwrap_or(NonZeroU32::MIN);
        let step = policy.window / quota.get();
        let quota = Quota::with_period(step.max(Duration::from_nanos(1))).expect("a period above zero").allow_burst(quota);
        Self { policy, limiter: RateLimiter::keyed(quota).with_middleware(), asked: AtomicU32::new(0) }
    }

    pub(super) fn count(&self, who: &str) -> Verdict {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let policy = self.policy;
        match self.limiter.check_key(&who.to_owned()) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = policy.quota.saturating_sub(remaining);
                Verdict { policy, fits: true, remaining, wait: policy.window * used / policy.quota }
            }
            Err(denied) => Verdict { policy, fits: false, remaining: 0, wait: denied.wait_time_from(DefaultClock::default().now()) },
        }
    }
}
