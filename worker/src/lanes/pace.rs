//! The pace of a number: a token for every message, taken right before the wire.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::time::Instant;

/// Least share of a number's rate that refusals can bring it down to.
const LEAST_FACTOR: f32 = 0.05;
/// Refusals within this time of the last slowing-down belong to the same burst.
const ONE_BURST: Duration = Duration::from_secs(1);
/// How often the pace recovers by [`RECOVERY`].
const RECOVERY_EVERY: Duration = Duration::from_secs(10);
/// Share of the full rate that comes back at each recovery.
const RECOVERY: f32 = 0.05;
/// How long a number whose last owner was lost goes at half its pace.
const CAUTION: Duration = Duration::from_secs(3);

/// A token bucket with a share that halves when the provider complains (130429) and comes back slowly.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: DefaultClock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: u32,
    factor: f32,
    /// Until then half the pace, whatever the factor: the last owner was lost, and what it had on the wire may still be counted.
    cautious_until: Option<Instant>,
    changed: Instant,
    limiter: Arc<DefaultDirectRateLimiter>,
    opens: Instant,
}

impl State {
    /// The effective rate, messages per second.
    fn effective(&self) -> f64 {
        let share = if self.cautious_until.is_some() { 0.5 } else { 1.0 };
        f64::from(self.rate) * f64::from(self.factor) * share
    }

    fn rebuild(&mut self) {
        self.limiter = limiter(self.effective());
    }
}

impl Pace {
    /// `rate` messages per second times `factor`; the first token comes after `wait`.
    pub(crate) fn new(rate: u32, factor: f32, wait: Duration) -> Self {
        let now = Instant::now();
        let factor = factor.clamp(LEAST_FACTOR, 1.0);
        let limiter = limiter(f64::from(rate) * f64::from(factor));
        let state = State { rate, factor, cautious_until: None, changed: now, limiter, opens: now + wait };
        Self { clock: DefaultClock::default(), state: Mutex::new(state) }
    }

    /// Half the pace for the first moments. It says nothing about what the provider puts up with, so the factor stays as it is.
    pub(crate) fn cautiously(self) -> Self {
        {
            let mut state = self.lock();
            state.cautious_until = Some(Instant::now() + CAUTION);
            state.rebuild();
        }
        self
    }

    /// The effective rate, messages per second.
    pub(crate) fn rate(&self) -> f64 {
        self.lock().effective()
    }

    /// The share of the full rate that the provider puts up with.
    pub(crate) fn factor(&self) -> f32 {
        self.lock().factor
    }

    /// Waits for a token.
    pub(crate) async fn token(&self) {
        loop {
            let wait = {
                let state = self.lock();
                let now = Instant::now();
                if now < state.opens {
                    state.opens - now
                } else {
                    match state.limiter.check() {
                        Ok(()) => return,
                        Err(not_until) => not_until.wait_time_from(self.clock.now()),
                    }
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// The provider says it is too fast: half the rate, once for a burst of refusals.
    pub(crate) fn slow_down(&self) {
        let mut state = self.lock();
        if state.factor < 1.0 && state.changed.elapsed() < ONE_BURST {
            return;
        }
        state.factor = (state.factor / 2.0).max(LEAST_FACTOR);
        state.changed = Instant::now();
        state.rebuild();
        tracing::info!(factor = f64::from(state.factor), "the provider asks for a slower pace");
    }

    /// Gives back a little of the rate when nothing was refused for a while, and ends the caution of the start.
    pub(crate) fn recover(&self) {
        let mut state = self.lock();
        if state.cautious_until.is_some_and(|end| end <= Instant::now()) {
            state.cautious_until = None;
            state.rebuild();
        }
        if state.factor < 1.0 && state.changed.elapsed() >= RECOVERY_EVERY {
            state.factor = (state.factor + RECOVERY).min(1.0);
            state.changed = Instant::now();
            state.rebuild();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bucket of 20 ms worth of tokens, emptied: no sliding second exceeds the rate by more than a tenth, also across a rebuild.
fn limiter(rate: f64) -> Arc<DefaultDirectRateLimiter> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive rate that fits")]
    let effective = rate.round().max(1.0) as u32;
    let effective = NonZeroU32::new(effective).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(effective.get() / 50).unwrap_or(NonZeroU32::MIN);
    let limiter = RateLimiter::direct(Quota::per_second(effective).allow_burst(burst));
    let _ = limiter.check_n(burst);
    Arc::new(limiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_tokens_keep_the_rate() {
        let pace = Pace::new(1_000, 1.0, Duration::ZERO);
        let begin = std::time::Instant::now();
        for _ in 0..200 {
            pace.token().await;
        }
        assert!(begin.elapsed() >= Duration::from_millis(180), "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_refusals_halves_once() {
        let pace = Pace::new(100, 1.0, Duration::ZERO);
        pace.slow_down();
        pace.slow_down();
        assert!((pace.rate() - 50.0).abs() < f64::EPSILON);
        tokio::time::advance(Duration::from_secs(11)).await;
        pace.recover();
        assert!((pace.rate() - 55.0).abs() < 0.001);
    }

    #[tokio::test(start_paused = true)]
    async fn caution_passes_and_leaves_the_factor_alone() {
        let pace = Pace::new(100, 0.8, Duration::ZERO).cautiously();
        assert!((pace.rate() - 40.0).abs() < 0.001);
        assert!((pace.factor() - 0.8).abs() < f32::EPSILON);
        tokio::time::advance(Duration::from_secs(4)).await;
        pace.recover();
        assert!((pace.rate() - 80.0).abs() < 0.001);
    }
}
