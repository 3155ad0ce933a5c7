//! Databases and processes of one run.

use std::{net::TcpListener, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::process::{Child, Command};

use super::{BenchOptions, Told};

/// A port on which nobody listens.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("no port is free")?.local_addr()?.port())
}

/// A program that was built beside this one.
pub fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name(name);
    if !program.exists() {
        bail!("{} is missing: build it first, or call deploy/local bench", program.display());
    }
    Ok(program)
}

/// The address of a database of the cluster, for one of its roles.
pub fn address(options: &BenchOptions, database: &str, user: Option<&str>) -> String {
    let mut address = options.cluster.clone();
    address.set_path(database);
    if let Some(user) = user {
        // Cannot fail: an address of a database has a host.
        let _ = address.set_username(user);
    }
    address.into()
}

/// Makes an empty database, replacing an older one, and answers a connection of its owner to it.
pub async fn new_database(options: &BenchOptions, name: &str) -> anyhow::Result<PgConnection> {
    let mut admin = PgConnection::connect(options.cluster.as_str()).await.context("the cluster does not answer")?;
    execute(&mut admin, &format!("drop database if exists {name} with (force)")).await?;
    execute(&mut admin, &format!("create database {name}")).await?;
    admin.close().await?;
    PgConnection::connect(&address(options, name, None)).await.context("the new database does not answer")
}

/// Removes a database.
pub async fn drop_database(options: &BenchOptions, name: &str) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect(options.cluster.as_str()).await?;
    execute(&mut admin, &format!("drop database if exists {name} with (force)")).await?;
    Ok(admin.close().await?)
}

/// Runs statements.
pub async fn execute(connection: &mut PgConnection, statements: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await.with_context(|| statements.to_owned())?;
    Ok(())
}

/// Runs a program to its end and reads what it told in its last line. `started` learns its process id.
pub async fn told_by(command: &mut Command, started: impl FnOnce(u32)) -> anyhow::Result<Told> {
    let child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().context("the program does not start")?;
    started(child.id().unwrap_or_default());
    let output = tokio::time::timeout(Duration::from_mins(10), child.wait_with_output()).await.context("it takes too long")??;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rfind(|line| line.starts_with('{'));
    let Some(line) = line.filter(|_| output.status.success()) else { bail!("it failed: {} {text}", output.status) };
    Ok(serde_json::from_str(line)?)
}

/// Asks a process to stop and waits for it.
pub async fn stop(mut child: Child) -> anyhow::Result<()> {
    if let Some(pid) = child.id() {
        let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
    }
    if tokio::time::timeout(Duration::from_secs(40), child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}
