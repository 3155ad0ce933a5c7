//! The worker as a program.

use anyhow::Context;
use clap::Parser;
use runtime::{Config, Shutdown, prometheus, telemetry::Telemetry, tls};

/// Says whether the build is one for tests.
const VERSION: &str =
    if queue::has_crash_points() { concat!(env!("CARGO_PKG_VERSION"), " with crash points") } else { env!("CARGO_PKG_VERSION") };

#[derive(Parser)]
#[command(name = "worker", version = VERSION, about = "Heliograph's worker: runs jobs and sends messages")]
struct Arguments {}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Arguments::parse();
    queue::arm_crash_points();
    tls::install();
    let config = Config::load()?;
    let telemetry = Telemetry::start(&config.telemetry, "worker")?;
    let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
    prometheus::serve(&config.metrics, shutdown.token()).await?;
    let outcome = worker::run(config, shutdown).await;
    telemetry.shut_down().await;
    outcome
}
