//! The benchmark: our sending path beside the leanest program that keeps the same promise, and beside what others use.
//!
//! Everything runs in one sitting against the same stand-in of the provider, because numbers of one machine mean nothing on another: what is
//! judged are the ratios, and where the machine is shared the CPU time per message. Rounds take turns, medians are shown.
//!
//! * `none`: posts with no database, the ceiling of the HTTP client;
//! * `spike`: 20 rows get a committed intent before their requests, results are stored in batches: the promise with nothing around it;
//! * `bullmq`: BullMQ with one job and one row update per message, in `tests/peers/bullmq`;
//! * `ours`: the real worker and scheduler, a campaign frozen by its job, the real ledger.

pub mod cpu;
pub mod peer;
pub mod product;
pub mod provider;
pub mod report;
pub mod setup;
pub mod spike;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use self::{
    cpu::Sampler,
    provider::{Counted, Stand},
    report::Run,
};

/// What to run, how often, and where the servers are.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// PostgreSQL of this run: `postgres://` of a superuser.
    pub cluster: url::Url,
    /// Process id of its postmaster, for the CPU time.
    pub postgres_pid: u32,
    /// Redis of this run: `redis://`. It is emptied.
    pub redis: String,
    /// Process id of it.
    pub redis_pid: u32,
    /// Where the folder `tests/peers` is.
    pub peers: PathBuf,
    /// Where logs and results go.
    pub data: PathBuf,
    /// What runs, in this order in every round.
    pub cases: Vec<Case>,
    /// How many rounds.
    pub rounds: usize,
    /// Messages of `none` and `spike`.
    pub spike_messages: u32,
    /// Messages of `bullmq`.
    pub peer_messages: u32,
    /// Messages of `ours`.
    pub our_messages: u32,
    /// Whether `ours` is also measured with ten times as many messages.
    pub growth: bool,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum Case {
    /// No database.
    None,
    /// The leanest program with the same promise.
    Spike,
    /// BullMQ.
    Bullmq,
    /// The product.
    Ours,
    /// The product with ten times the recipients.
    Grown,
}

/// What a program that sends says when it is done. Instants are seconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Messages sent and stored.
    pub messages: u32,
    /// When sending began.
    pub begin: f64,
    /// When the last result was stored.
    pub end: f64,
}

/// Measures, prints the table, and appends every run to `results.jsonl` in the data folder.
pub async fn run(options: &BenchOptions) -> anyhow::Result<()> {
    std::fs::create_dir_all(&options.data).context("the data folder cannot be made")?;
    let stand = Stand::start().await?;
    let mut cases = options.cases.clone();
    if cases.contains(&Case::Bullmq)
        && let Err(error) = peer::install(&options.peers).await
    {
        eprintln!("bullmq is left out: {error:#}");
        cases.retain(|case| *case != Case::Bullmq);
    }
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        for case in &cases {
            runs.push(one(options, &stand, *case, round).await?);
        }
        if options.growth {
            runs.push(one(options, &stand, Case::Grown, round).await?);
        }
    }
    report::append(&options.data, &runs)?;
    print!("{}", report::table(&runs));
    Ok(())
}

async fn one(options: &BenchOptions, stand: &Stand, case: Case, round: usize) -> anyhow::Result<Run> {
    stand.reset().await?;
    let mut sampler = Sampler::start([("postgres", options.postgres_pid), ("redis", options.redis_pid), ("provider", stand.pid())]);
    let mut run = match case {
        Case::None => spike::measure(options, stand, spike::Mode::None, &mut sampler).await,
        Case::Spike => spike::measure(options, stand, spike::Mode::Intent, &mut sampler).await,
        Case::Bullmq => peer::measure(options, stand, &mut sampler).await,
        Case::Ours => product::measure(options, stand, options.our_messages, &mut sampler).await,
        Case::Grown => product::measure(options, stand, options.our_messages * 10, &mut sampler).await,
    }
    .with_context(|| format!("{case:?} could not be measured"))?;
    run.case = case;
    run.round = round;
    check(&run, &stand.count().await?)?;
    eprintln!("{}", run.line());
    Ok(run)
}

/// A fast program that loses or repeats messages is not fast.
fn check(run: &Run, counted: &Counted) -> anyhow::Result<()> {
    ensure!(counted.duplicates == 0, "{:?}: {} recipients got it twice", run.case, counted.duplicates);
    ensure!(counted.distinct == u64::from(run.messages), "{:?}: {} of {} recipients got it", run.case, counted.distinct, run.messages);
    Ok(())
}
