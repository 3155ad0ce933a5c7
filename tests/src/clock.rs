//! A clock that runs with the machine's and can be put forward.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, SystemClock};

/// Runs on, so that ids keep sorting by time; jumps when told, so that no test waits.
#[derive(Debug, Default)]
pub struct JumpingClock(AtomicI64);

impl JumpingClock {
    /// Puts the clock forward by `by`.
    pub fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::milliseconds(self.0.load(Ordering::SeqCst))
    }
}
