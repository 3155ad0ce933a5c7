//! A Redis of its own, which keeps nothing.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};

use super::{Program, REDIS_SETTING, setting};
use crate::wait::{self, Look};

/// How long it may take to answer.
const START: Duration = Duration::from_secs(10);

/// A Redis server that can be emptied, killed and started again on the same port.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: PathBuf,
    program: Option<Program>,
}

impl Redis {
    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    /// When there is no Redis, or it does not start.
    pub async fn start(folder: &Path, port: u16) -> anyhow::Result<Self> {
        let mut redis = Self { port, folder: folder.to_owned(), program: None };
        redis.start_again().await?;
        Ok(redis)
    }

    /// Starts it on a port that nobody else uses, and waits until it answers.
    ///
    /// # Errors
    /// When there is no Redis, or it does not start.
    pub async fn start_anywhere(folder: &Path) -> anyhow::Result<Self> {
        Self::start(folder, super::free_port()?).await
    }

    /// Sends a signal by its name, as `STOP` and `CONT`.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        self.program.as_ref().context("Redis does not run")?.signal(signal).await
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it and starts it again, empty.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill().await?;
        self.start_again().await
    }

    /// Kills it.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        match self.program.take() {
            Some(program) => program.kill().await,
            None => Ok(()),
        }
    }

    /// Starts it, empty, unless it runs.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        if self.program.is_some() {
            return Ok(());
        }
        let path = PathBuf::from(setting(REDIS_SETTING).unwrap_or_else(|| "redis-server".into()));
        let port = self.port.to_string();
        let arguments = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"];
        self.program = Some(Program::start("redis", &path, &arguments, &[], &self.folder, &self.folder.join("redis.log"))?);
        wait::until(START, async || Ok(Look::at(self.command(&["PING"]).await))).await.context("Redis does not start")?;
        Ok(())
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn flush_all(&self) -> anyhow::Result<()> {
        self.command(&["FLUSHALL"]).await
    }

    /// Answers nobody for `pause`.
    ///
    /// # Errors
    /// When it does not answer now.
    pub async fn freeze(&self, pause: Duration) -> anyhow::Result<()> {
        self.command(&["CLIENT", "PAUSE", &pause.as_millis().to_string(), "ALL"]).await
    }

    async fn command(&self, words: &[&str]) -> anyhow::Result<()> {
        let [name, arguments @ ..] = words else { bail!("no command") };
        let client = redis::Client::open(self.url()).context("not an address")?;
        let mut connection = client.get_multiplexed_async_connection().await.context("Redis does not answer")?;
        let mut command = redis::cmd(name);
        command.arg(arguments);
        let _: redis::Value = command.query_async(&mut connection).await.with_context(|| format!("Redis refuses {name}"))?;
        Ok(())
    }
}
