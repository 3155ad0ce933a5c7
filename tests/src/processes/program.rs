//! One process and its log.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

/// A running program whose output goes to a file. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    name: String,
    log: PathBuf,
    child: Child,
    pid: u32,
}

impl Program {
    /// Starts a program in `folder`, with no environment but `PATH` and `settings`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        name: &str,
        path: &Path,
        arguments: &[&str],
        settings: &[(String, String)],
        folder: &Path,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let out = open_log(log)?;
        let child = Command::new(path)
            .args(arguments)
            .env_clear()
            .env("PATH", super::setting("PATH").unwrap_or_default())
            .envs(settings.iter().map(|(key, value)| (key, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone().context("cannot use a log twice")?)
            .stderr(out)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", path.display()))?;
        let pid = child.id().context("the process ended at once")?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child, pid })
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its output is.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// `kill -9`, and waits until it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))
    }

    /// `kill -TERM`, and waits until it has ended; how it did is returned.
    ///
    /// # Errors
    /// When it still runs after `patience`.
    pub async fn terminate(mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        self.signal("TERM").await?;
        match tokio::time::timeout(patience, self.child.wait()).await {
            Ok(status) => status.with_context(|| format!("cannot wait for {}", self.name)),
            Err(_) => bail!("{} still runs {} s after it was told to stop", self.name, patience.as_secs()),
        }
    }

    /// Sends a signal by its name, as `STOP` and `CONT`.
    ///
    /// # Errors
    /// When the process is gone.
    pub async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let done = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.pid)]).status().await.context("cannot run sh")?;
        if done.success() { Ok(()) } else { bail!("{} cannot be signalled", self.name) }
    }
}

pub(super) fn open_log(log: &Path) -> anyhow::Result<File> {
    OpenOptions::new().append(true).create(true).open(log).with_context(|| format!("cannot write {}", log.display()))
}

/// The last lines of a file, long ones cut.
pub(super) fn tail(file: &Path, lines: usize) -> String {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let last = all[all.len().saturating_sub(lines)..].iter().map(|line| line.chars().take(300).collect::<String>());
    last.collect::<Vec<_>>().join("\n")
}
