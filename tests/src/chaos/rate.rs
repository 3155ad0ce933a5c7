//! How fast a number was used, by the provider's clock.

use chrono::{DateTime, TimeDelta, Utc};

/// Most instants that lie within any second, and when that second began. The instants must be in order.
pub fn busiest_second(times: &[DateTime<Utc>]) -> (usize, Option<DateTime<Utc>>) {
    let (mut most, mut at) = (0, None);
    let mut first = 0;
    for (last, time) in times.iter().enumerate() {
        while *time - times[first] >= TimeDelta::seconds(1) {
            first += 1;
        }
        if last - first + 1 > most {
            (most, at) = (last - first + 1, Some(times[first]));
        }
    }
    (most, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_across_two_clock_seconds_is_seen() {
        let times: Vec<_> = [0, 600, 700, 1_100, 1_500, 1_599, 1_600].map(|ms| DateTime::from_timestamp_millis(ms).unwrap()).to_vec();
        assert_eq!(busiest_second(&times), (5, DateTime::from_timestamp_millis(600)));
        assert_eq!(busiest_second(&[]), (0, None));
    }
}
