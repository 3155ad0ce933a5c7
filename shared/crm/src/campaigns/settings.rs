//! Settings of campaigns.

use std::time::Duration;

/// How long rows whose outcome is unknown wait for evidence. A resource of the worker.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// For marketing and utility messages.
    pub unknown_grace: Duration,
    /// For authentication messages: a code is of no use later.
    pub authentication_grace: Duration,
}

impl Settings {
    /// The grace of a template's category, in whole seconds.
    pub fn grace_s(self, category: &str) -> i32 {
        let grace = if category == "AUTHENTICATION" { self.authentication_grace } else { self.unknown_grace };
        i32::try_from(grace.as_secs()).unwrap_or(i32::MAX)
    }
}
