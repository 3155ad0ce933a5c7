//! Points at which a program built for tests can be told to die, so that what follows a crash there is shown and not only argued.
//!
//! Without the feature `failpoints` the functions are empty and nothing reads the environment. The feature is switched on by the
//! dev-dependencies of the package `tests` alone: programs built to be used do not have it.

/// A named place in a job. When the environment of a program built for tests says so (`FAILPOINTS="templates.submit.created=return"`, in
/// the [words of the crate `fail`](https://docs.rs/fail/0.5/fail/fn.cfg.html)), the process ends here by SIGKILL: nothing is flushed, given
/// back or closed. With `sleep(ms)` it stands still instead, and a test can freeze it here. A point that is switched on says so in the log
/// when it is reached.
#[inline]
pub fn crash_point(name: &'static str) {
    #[cfg(feature = "failpoints")]
    armed::reach(name);
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

/// Whether this build has crash points.
pub const fn has_crash_points() -> bool {
    cfg!(feature = "failpoints")
}

/// Reads from the environment where to crash; a program calls it once, before it begins. In a build without crash points it does nothing.
pub fn arm_crash_points() {
    #[cfg(feature = "failpoints")]
    armed::arm();
}

#[cfg(feature = "failpoints")]
mod armed {
    use rustix::process::{Signal, getpid, kill_process};

    pub(super) fn arm() {
        // It would disarm when dropped.
        std::mem::forget(fail::FailScenario::setup());
    }

    pub(super) fn reach(name: &'static str) {
        if fail::list().iter().any(|(point, _)| point == name) {
            tracing::info!(point = name, "crash point {name} is reached");
        }
        fail::fail_point!(name, |_| die());
    }

    fn die() {
        let ended = kill_process(getpid(), Signal::KILL);
        // The signal comes before the call returns.
        unreachable!("nobody survives it: {ended:?}");
    }
}
