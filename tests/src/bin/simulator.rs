//! The provider simulator as a program: a WhatsApp Cloud API on a port of this machine.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use tests::simulator::{Faults, Simulator, SimulatorOptions};
use tokio::signal::unix::{SignalKind, signal};

/// Answers as the WhatsApp Cloud API does; `GET /_simulator/faults` tells what can be switched.
#[derive(Debug, Parser)]
struct Arguments {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, env = "SIMULATOR_PORT", default_value_t = 0)]
    port: u16,
    /// Address to listen on.
    #[arg(long, env = "SIMULATOR_HOST", default_value = "127.0.0.1")]
    host: std::net::IpAddr,
    /// File of the ledger; without one, a temporary file.
    #[arg(long, env = "SIMULATOR_LEDGER")]
    ledger: Option<PathBuf>,
    /// Where webhooks go (http only); without one, there are none.
    #[arg(long, env = "SIMULATOR_CALLBACK_URL")]
    callback_url: Option<String>,
    /// Signs webhooks.
    #[arg(long, env = "SIMULATOR_APP_SECRET", default_value = "app-secret", hide_env_values = true)]
    app_secret: String,
    /// Seed of all shares.
    #[arg(long, env = "SIMULATOR_SEED", default_value_t = 1)]
    seed: u64,
    /// Most webhooks under way at once.
    #[arg(long, env = "SIMULATOR_WEBHOOK_CONNECTIONS", default_value_t = 32)]
    webhook_connections: usize,
    /// Writes each try of a webhook to `<ledger>.webhooks`.
    #[arg(long, env = "SIMULATOR_WEBHOOK_LOG")]
    webhook_log: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let simulator = Simulator::try_start(SimulatorOptions {
        address: SocketAddr::new(arguments.host, arguments.port),
        ledger: arguments.ledger,
        callback_url: arguments.callback_url,
        app_secret: arguments.app_secret,
        faults: Faults { seed: arguments.seed, ..Faults::default() },
        webhook_connections: arguments.webhook_connections,
        webhook_log: arguments.webhook_log,
        ..SimulatorOptions::default()
    })
    .await?;
    println!("simulator listening on {}, ledger {}", simulator.url(), simulator.ledger_path().display());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    simulator.stop().await;
    Ok(())
}
