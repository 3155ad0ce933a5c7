//! Whether two kinds of request take the same time, on a machine that does other things too.

use std::time::Duration;

use rand::seq::SliceRandom;

/// Tries of each kind.
pub(crate) const TRIES: usize = 200;
/// What an attacker may learn at most: over a network less than this drowns.
pub(crate) const BOUND: Duration = Duration::from_millis(5);

/// How long each try of two kinds took; a try of one stands beside that of the other that was made next to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    one: Vec<Duration>,
    other: Vec<Duration>,
}

impl Sample {
    /// Takes a sample: in each round one try of either kind, in an order that changes, so that what slows the machine down hits both.
    pub(crate) async fn take(mut one: impl AsyncFnMut(usize) -> Duration, mut other: impl AsyncFnMut(usize) -> Duration) -> Self {
        let mut sample = Self::default();
        let mut orders: Vec<bool> = (0..TRIES).map(|round| round % 2 == 0).collect();
        orders.shuffle(&mut rand::rng());
        for (round, one_first) in orders.into_iter().enumerate() {
            if one_first {
                sample.one.push(one(round).await);
                sample.other.push(other(round).await);
            } else {
                sample.other.push(other(round).await);
                sample.one.push(one(round).await);
            }
        }
        sample
    }

    /// By how much the medians differ.
    pub(crate) fn difference(&self) -> Duration {
        median(&self.one).abs_diff(median(&self.other))
    }

    /// As it is told.
    pub(crate) fn describe(&self) -> String {
        format!(
            "medians {:.2} ms and {:.2} ms over {} tries each: {:.2} ms apart",
            ms(median(&self.one)),
            ms(median(&self.other)),
            self.one.len(),
            ms(self.difference())
        )
    }
}

/// Fails the test when two kinds differ by more than [`BOUND`]. A sample that does is told, and one whole other one is taken: a machine may
/// have been busy with something that lasted.
pub(crate) async fn assert_alike(what: &str, mut take: impl AsyncFnMut() -> Sample) {
    let first = take().await;
    println!("{what}: {}", first.describe());
    if first.difference() < BOUND {
        return;
    }
    let second = take().await;
    println!("{what}, again: {}", second.describe());
    assert!(second.difference() < BOUND, "{what}: {}; and again: {}", first.describe(), second.describe());
}

fn median(values: &[Duration]) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Tries of a busy machine: 40 ms, with noise of up to 20 ms, every tenth ten times as long.
fn busy(rng: &mut impl rand::RngExt) -> Duration {
    let noise = Duration::from_micros(rng.random_range(0..20_000));
    let outlier = if rng.random_ratio(1, 10) { 10 } else { 1 };
    (Duration::from_millis(40) + noise) * outlier
}

#[tokio::test]
async fn a_difference_of_ten_milliseconds_shows_on_a_busy_machine() {
    use rand::SeedableRng;
    for seed in 0..20 {
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        let mut rngs = rand::rngs::StdRng::seed_from_u64(seed + 1000);
        let delayed = Sample::take(async |_| busy(&mut rng), async |_| busy(&mut rngs) + Duration::from_millis(10)).await;
        assert!(delayed.difference() >= BOUND, "seed {seed}: {}", delayed.describe());
        let alike = Sample::take(async |_| busy(&mut rng), async |_| busy(&mut rngs)).await;
        assert!(alike.difference() < BOUND, "seed {seed}: {}", alike.describe());
    }
}
