//! BullMQ: what a Node shop would use. One job and one row update per message, no intent before the wire.

use std::path::Path;

use anyhow::{Context, ensure};
use tokio::process::Command;

use super::{BenchOptions, cpu::Sampler, provider::Stand, report::Run, setup};

/// Installs what the lock file names, unless it is there.
pub async fn install(peers: &Path) -> anyhow::Result<()> {
    let folder = peers.join("bullmq");
    if folder.join("node_modules/.package-lock.json").exists() {
        return Ok(());
    }
    let installed = Command::new("npm").arg("ci").current_dir(folder).status().await.context("npm does not start")?;
    ensure!(installed.success(), "npm ci failed");
    Ok(())
}

/// Measures it in a process of its own.
pub async fn measure(options: &BenchOptions, stand: &Stand, sampler: &mut Sampler) -> anyhow::Result<Run> {
    let name = "bench_bullmq";
    drop(setup::new_database(options, name).await?);
    let mut command = Command::new("node");
    command
        .arg("send.mjs")
        .current_dir(options.peers.join("bullmq"))
        .env("MESSAGES", options.peer_messages.to_string())
        .env("DATABASE", setup::address(options, name, None))
        .env("REDIS", &options.redis)
        .env("PROVIDER", format!("http://{}", stand.address()));
    let told = setup::told_by(&mut command, |pid| sampler.add("own", pid)).await?;
    setup::drop_database(options, name).await?;
    Ok(Run::of(&told, sampler, &["own"]))
}
