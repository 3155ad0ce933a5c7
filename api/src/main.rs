//! The HTTP service, the migrations, the API description and an operator's commands, as one program.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::Context;
use api::{staff::Staffing, upkeep};
use clap::{Parser, Subcommand};
use crm::secrets::Rotation;
use kernel::{Clock, OrganizationId, SystemClock};
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

#[derive(Clone, Subcommand)]
enum Command {
    /// Answers requests (the default).
    Serve,
    /// Brings the database schema up to date.
    Migrate,
    /// Prints the OpenAPI document.
    Openapi,
    /// Prints who may call what.
    AccessTable,
    /// Lets an account see every organization of the installation, make new ones and switch them off.
    GrantSuperAdmin {
        /// The account's e-mail address.
        email: String,
    },
    /// Takes that from an account.
    RevokeSuperAdmin {
        /// The account's e-mail address.
        email: String,
    },
    /// Computes the audit log's chain of hashes again; names the first entry of each organization that does not fit, and then fails.
    VerifyAudit {
        /// Only the log of this organization.
        #[arg(long, value_name = "ID")]
        organization: Option<OrganizationId>,
        /// A file with lines of the logs: the heads among them, written every hour, must be part of the chains.
        #[arg(long, value_name = "FILE")]
        anchors: Option<PathBuf>,
    },
    /// Reads a delivery status notification from standard input, as a mail server pipes it, and records that its mail came back.
    ///
    /// Exit code 1 when it is none, or about no mail that is known; 75 when it should be tried again.
    RecordBounce,
    /// Brings everything that is sealed under `secrets.master_key`. The programs may run; running it again does no harm.
    RotateSecrets {
        /// Gives every value a fresh key of its own too, instead of only wrapping the keys anew.
        #[arg(long)]
        data_keys: bool,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve(Config::load()?).await,
        Command::Migrate => migrate(&Config::load()?).await,
        Command::Openapi => writeln!(std::io::stdout().lock(), "{:#}", api::openapi::document()).context("cannot print the document"),
        Command::AccessTable => write!(std::io::stdout().lock(), "{}", api::access_table::markdown()).context("cannot print the table"),
        Command::GrantSuperAdmin { email } => staff(&email, Staffing::Grant).await,
        Command::RevokeSuperAdmin { email } => staff(&email, Staffing::Revoke).await,
        Command::VerifyAudit { organization, anchors } => {
            upkeep::verify_audit(&Config::load()?, organization, anchors.as_deref(), &mut std::io::stdout()).await
        }
        Command::RecordBounce => record_bounce().await,
        Command::RotateSecrets { data_keys } => rotate_secrets(if data_keys { Rotation::DataKeys } else { Rotation::Wrapping }).await,
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

async fn staff(email: &str, staffing: Staffing) -> anyhow::Result<()> {
    let said = api::staff::staff(&Config::load()?, &SystemClock, email, staffing).await?;
    writeln!(std::io::stdout().lock(), "{said}").context("cannot print what was done")
}

async fn record_bounce() -> anyhow::Result<()> {
    /// What mail servers take for "try again later" (`EX_TEMPFAIL`).
    const TRY_AGAIN: i32 = 75;
    match api::bounces::record(&Config::load()?, &SystemClock, std::io::stdin().lock()).await {
        Ok(said) => writeln!(std::io::stdout().lock(), "{said}").context("cannot print what was recorded"),
        Err(error) if api::bounces::is_temporary(&error) => {
            writeln!(std::io::stderr().lock(), "{error:#}").context("cannot print what went wrong")?;
            std::process::exit(TRY_AGAIN);
        }
        Err(error) => Err(error),
    }
}

/// With the logs on: they name the rows that do not open.
async fn rotate_secrets(rotation: Rotation) -> anyhow::Result<()> {
    let config = Config::load()?;
    let telemetry = Telemetry::start(&config.telemetry, "api-rotate-secrets")?;
    let outcome = upkeep::rotate_secrets(&config, rotation, &mut std::io::stdout()).await;
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
