//! Chaos: a real installation is hurt while campaigns run, and afterwards two ledgers must agree, the provider's and the database's.
//!
//! The moments come from a seed, which is printed; `CHAOS_SEED` repeats a run as far as the machine's own timing allows.

mod checker;
mod ending;
mod evidence;
mod holder;
mod journey;
mod logs;
mod provider;
mod rate;
mod storm;
mod templates;
mod webhooks;

use rand::{RngExt, SeedableRng, rngs::StdRng};

pub use self::{
    checker::{Bounds, Report, check},
    ending::{finish, per_crash, verdict},
    evidence::{Evidence, Executed, MessageRow},
    holder::holder,
    journey::{Campaign, Launch, Tenant},
    logs::{LogFindings, scan},
    provider::Provider,
    rate::busiest_second,
    storm::{Fault, Storm, StormOptions},
    templates::TemplateText,
};

/// Names the seed of a run that is to be repeated.
pub const SEED_SETTING: &str = "CHAOS_SEED";

/// The dice of a test, and what they were seeded with: `CHAOS_SEED`, otherwise something new.
pub fn dice() -> (StdRng, u64) {
    let seed = crate::processes::setting(SEED_SETTING).and_then(|seed| seed.parse().ok()).unwrap_or_else(|| rand::rng().random());
    println!("{SEED_SETTING}={seed}");
    (StdRng::seed_from_u64(seed), seed)
}
