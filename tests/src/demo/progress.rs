//! The figures of a running campaign, live.

use std::{
    fmt,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// What `GET /api/campaigns/{id}/analytics` counts, as far as the demo shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) audience: u64,
    /// Taken by the provider, whatever became of it then.
    pub(super) accepted: u64,
    /// Arrived at the device, read or not.
    pub(super) delivered: u64,
    pub(super) read: u64,
    pub(super) failed: u64,
    pub(super) unknown: u64,
    /// Not sent for whatever reason: skipped, cancelled, expired.
    pub(super) left_out: u64,
}

impl Figures {
    /// Reads the answer. Its funnel accepted ≥ sent ≥ delivered ≥ read counts whoever got that far or further.
    pub(super) fn of(analytics: &Value) -> Self {
        let count = |name: &str| analytics.get(name).and_then(Value::as_u64).unwrap_or(0);
        Self {
            audience: count("audience"),
            accepted: count("acceptedOrBetter"),
            delivered: count("delivered"),
            read: count("read"),
            failed: count("failed"),
            unknown: count("unknown") + count("unconfirmed"),
            left_out: count("skipped") + count("cancelled") + count("expired"),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, delivered, read, failed, unknown, .. } = self;
        write!(f, "accepted {accepted} · delivered {delivered} · read {read} · failed {failed} · unknown {unknown}")
    }
}

/// A progress bar, or a line now and then where standard error is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    spoken: Instant,
    /// When the last person's message was accepted.
    accepted_all: Option<Duration>,
}

impl Progress {
    pub(super) fn start(total: u64) -> Self {
        let style = ProgressStyle::with_template("  {bar:32.green/dim} {pos}/{len}  {prefix}\n  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total).with_style(style);
        let now = Instant::now();
        Self { bar, started: now, spoken: now, accepted_all: None }
    }

    pub(super) fn show(&mut self, figures: Figures, state: &str) {
        let elapsed = self.started.elapsed();
        let settled = figures.accepted + figures.failed + figures.left_out;
        if self.accepted_all.is_none() && figures.audience > 0 && settled >= figures.audience {
            self.accepted_all = Some(elapsed);
        }
        self.bar.set_position(figures.accepted);
        self.bar.set_prefix(format!("{:.0}/s  {state}", self.rate(figures)));
        self.bar.set_message(figures.to_string());
        if self.bar.is_hidden() && self.spoken.elapsed() > Duration::from_secs(2) {
            self.spoken = Instant::now();
            eprintln!("  {state}: {figures}");
        }
    }

    /// Accepted messages per second, from the launch on.
    pub(super) fn rate(&self, figures: Figures) -> f64 {
        let seconds = self.accepted_all.unwrap_or_else(|| self.started.elapsed()).as_secs_f64();
        f64::from(u32::try_from(figures.accepted).unwrap_or(u32::MAX)) / seconds.max(0.001)
    }

    pub(super) fn finish(&self) {
        self.bar.finish();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_figures_are_those_of_the_api() {
        let analytics = json!({ "audience": 10, "acceptedOrBetter": 8, "delivered": 5, "read": 2, "unknown": 1, "unconfirmed": 1 });
        assert_eq!(Figures::of(&analytics).to_string(), "accepted 8 · delivered 5 · read 2 · failed 0 · unknown 2");
    }
}
