//! The worker as a program.

use anyhow::Context;
use clap::Parser;
use runtime::{Config, Shutdown, prometheus, telemetry::Telemetry, tls};

#[derive(Parser)]
#[command(name = "worker", version, about = "Heliograph's worker: runs jobs and sends messages")]
struct Arguments {}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Arguments::parse();
    tls::install();
    let config = Config::load()?;
    let telemetry = Telemetry::start(&config.telemetry, "worker")?;
    let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
    prometheus::serve(&config.metrics, shutdown.token()).await?;
    let outcome = worker::run(config, shutdown).await;
    telemetry.shut_down().await;
    outcome
}
