//! A held lane, as its renewal and its senders see it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use crm::lanes::{LaneKey, LaneRate};
use kernel::SharedClock;
use tokio::time::Instant;

/// Older than this since its last renewal, a lease is no longer trusted on the wire. Shorter than the shortest lease by more than a request can stay unwritten.
const TRUSTED_SHARE: f64 = 0.7;

/// The lease of one lane in this process.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) key: LaneKey,
    pub(crate) fence: i64,
    lease: Duration,
    clock: SharedClock,
    renewed: Mutex<(Instant, DateTime<Utc>)>,
    rate_factor: AtomicU32,
}

impl Hold {
    /// A lease taken by a statement that was begun at `asked`.
    pub(crate) fn new(key: LaneKey, fence: i64, lease: Duration, rate_factor: f32, clock: SharedClock, asked: Asked) -> Arc<Self> {
        Arc::new(Self {
            key,
            fence,
            lease,
            clock,
            renewed: Mutex::new((asked.monotonic, asked.wall)),
            rate_factor: AtomicU32::new(rate_factor.to_bits()),
        })
    }

    /// The lease was renewed by a statement that was begun at `asked`.
    pub(crate) fn renew(&self, asked: Asked) {
        *self.renewed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (asked.monotonic, asked.wall);
    }

    /// Time since the last renewal, by the larger of monotonic and wall clock: a suspended machine stops the monotonic one.
    fn age(&self) -> Duration {
        let (monotonic, wall) = *self.renewed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let by_wall = (self.clock.now() - wall).to_std().unwrap_or_default();
        monotonic.elapsed().max(by_wall)
    }

    /// Whether a message may still be written.
    pub(crate) fn is_trusted(&self) -> bool {
        self.age() < self.lease.mul_f64(TRUSTED_SHARE)
    }

    /// Whether somebody else may hold the lane by now.
    pub(crate) fn is_lost(&self) -> bool {
        self.age() >= self.lease
    }

    /// Share of the number's rate that the provider puts up with.
    pub(crate) fn rate_factor(&self) -> f32 {
        f32::from_bits(self.rate_factor.load(Ordering::Relaxed))
    }

    pub(crate) fn set_rate_factor(&self, factor: f32) {
        self.rate_factor.store(factor.to_bits(), Ordering::Relaxed);
    }

    /// The lane as the renewal names it.
    pub(crate) fn rate(&self) -> LaneRate {
        LaneRate { key: self.key, fence: self.fence, rate_factor: self.rate_factor() }
    }
}

/// The instant before a statement on leases was begun, on both clocks: what it grants is counted from here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    monotonic: Instant,
    wall: DateTime<Utc>,
}

impl Asked {
    pub(crate) fn now(clock: &SharedClock) -> Self {
        Self { monotonic: Instant::now(), wall: clock.now() }
    }
}
