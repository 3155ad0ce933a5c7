//! The HTTP service, the migrations and the API description, as one program.

use std::{io::Write, time::Duration};

use anyhow::Context;
use clap::{Parser, Subcommand};
use kernel::{Clock, SystemClock};
use runtime::{Config, Shutdown, Tasks, prometheus, telemetry::Telemetry};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

/// Time that running requests have once the process is told to stop: less than the 30 s that orchestrators wait.
const PATIENCE: Duration = Duration::from_secs(25);

#[derive(Parser)]
#[command(name = "api", version, about = "Heliograph's HTTP service")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Answers requests (the default).
    Serve,
    /// Brings the database schema up to date.
    Migrate,
    /// Prints the OpenAPI document.
    Openapi,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve(Config::load()?).await,
        Command::Migrate => migrate(&Config::load()?).await,
        Command::Openapi => writeln!(std::io::stdout().lock(), "{:#}", api::openapi::document()).context("cannot print the document"),
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let telemetry = Telemetry::start(&config.telemetry, "api")?;
    let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
    prometheus::serve(&config.metrics, shutdown.token()).await?;
    let mut tasks = Tasks::new(shutdown.clone());
    tasks.spawn("http", api::serve(config, shutdown.token()));
    let outcome = tasks.finish(PATIENCE).await;
    telemetry.shut_down().await;
    outcome
}

/// Applies what is missing, then makes the partitions that are due: from now on the scheduler keeps ahead.
async fn migrate(config: &Config) -> anyhow::Result<()> {
    let telemetry = Telemetry::start(&config.telemetry, "api-migrate")?;
    let url = config.database.migration_url();
    db::migrate(url).await?;
    let mut connection = PgConnection::connect(url.expose_secret()).await.context("cannot connect to the database")?;
    sqlx::query("select ensure_ledger_partitions($1), ensure_webhook_partitions($1)")
        .bind(SystemClock.now())
        .execute(&mut connection)
        .await
        .context("cannot make the partitions")?;
    connection.close().await.context("cannot close the connection")?;
    tracing::info!("the database schema is up to date");
    telemetry.shut_down().await;
    Ok(())
}
