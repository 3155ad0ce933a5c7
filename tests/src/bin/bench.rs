//! The benchmark as a program; `deploy/local bench` starts the servers and calls it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tests::bench::{self, BenchOptions, Case, provider, spike};

/// Measures the sending path beside a spike and a rival, in one sitting.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the rounds and prints the table.
    Run(Box<RunArguments>),
    /// Part of a run: the stand-in of the provider.
    #[command(hide = true)]
    Provider {
        #[arg(long)]
        port: u16,
    },
    /// Part of a run: the spike.
    #[command(hide = true)]
    Spike {
        #[arg(long)]
        mode: spike::Mode,
        #[arg(long)]
        messages: u32,
        #[arg(long)]
        provider: String,
        #[arg(long)]
        database: String,
    },
}

#[derive(Debug, Args)]
struct RunArguments {
    /// PostgreSQL of this run, as a superuser.
    #[arg(long)]
    cluster: url::Url,
    /// Process id of its postmaster.
    #[arg(long)]
    postgres_pid: u32,
    /// Redis of this run; it is emptied.
    #[arg(long)]
    redis: String,
    /// Process id of it.
    #[arg(long)]
    redis_pid: u32,
    /// The folder `tests/peers`.
    #[arg(long, default_value = "tests/peers")]
    peers: PathBuf,
    /// Where logs and results go.
    #[arg(long, default_value = ".data/bench")]
    data: PathBuf,
    /// What runs, in this order in every round.
    #[arg(long, value_delimiter = ',', default_value = "none,spike,bullmq,ours")]
    cases: Vec<Case>,
    /// Rounds; medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Messages of `none` and `spike`.
    #[arg(long, default_value_t = 50_000)]
    spike_messages: u32,
    /// Messages of `bullmq`.
    #[arg(long, default_value_t = 20_000)]
    peer_messages: u32,
    /// Messages of `ours`.
    #[arg(long, default_value_t = 100_000)]
    our_messages: u32,
    /// Measure `ours` with ten times the messages too.
    #[arg(long)]
    growth: bool,
}

fn main() -> anyhow::Result<()> {
    runtime::tls::install();
    match Arguments::parse().command {
        Command::Provider { port } => provider::serve(port),
        Command::Spike { mode, messages, provider, database } => {
            let told = runtime()?.block_on(spike::send(mode, messages, &provider, &database))?;
            println!("{}", serde_json::to_string(&told)?);
            Ok(())
        }
        Command::Run(run) => {
            let data = std::path::absolute(run.data)?;
            let options = BenchOptions {
                cluster: run.cluster,
                postgres_pid: run.postgres_pid,
                redis: run.redis,
                redis_pid: run.redis_pid,
                peers: run.peers,
                data,
                cases: run.cases,
                rounds: run.rounds,
                spike_messages: run.spike_messages,
                peer_messages: run.peer_messages,
                our_messages: run.our_messages,
                growth: run.growth,
            };
            runtime()?.block_on(bench::run(&options))
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
