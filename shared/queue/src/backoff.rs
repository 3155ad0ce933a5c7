//! How long a job waits before it is tried again.

use std::time::Duration;

const FLOOR: Duration = Duration::from_millis(500);
const BASE: Duration = Duration::from_secs(5);
const CAP: Duration = Duration::from_hours(1);

/// Wait after failed attempt `attempt` (the first is 1): full jitter, that is anything up to a bound that doubles from 5 s to 1 h, but at least half a second.
/// `jitter` is uniform in [0, 1). Full jitter spreads a crowd of jobs that failed together over the whole interval.
pub(crate) fn after_attempt(attempt: u32, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(20);
    BASE.saturating_mul(1 << doublings).min(CAP).mul_f64(jitter).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let bound = |attempt| after_attempt(attempt, 1.0).as_secs();
        assert_eq!([1, 2, 3, 10, 11, 25, u32::MAX].map(bound), [5, 10, 20, 2560, 3600, 3600, 3600]);
        assert_eq!(after_attempt(9, 0.0), FLOOR);
    }
}
