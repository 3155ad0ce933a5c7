//! All processes of an installation, on ports of their own.

use std::{
    fmt::Write as _,
    io::Write as _,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use anyhow::{Context, bail};

use super::{Postgres, Program, Redis, free_port, locate, program::tail};
use crate::demo::wait_until_ready;
use crate::wait::{self, Look};

/// How long a program has to become ready. Debug programs start slowly on a busy machine.
const START: Duration = Duration::from_mins(1);
/// How long a program has to end after it was told to.
const STOP: Duration = Duration::from_secs(40);
const APP_SECRET: &str = "a secret of the app under test";

/// Which Redis there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisPlan {
    /// A server.
    Server,
    /// The settings name none.
    Absent,
    /// The settings name an address at which nobody listens.
    Nobody,
}

/// How a stack starts.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Workers. Default 2.
    pub workers: usize,
    /// Schedulers. Default 1.
    pub schedulers: usize,
    /// Redis. Default a server.
    pub redis: RedisPlan,
    /// Lease of a lane and of its renewal, in seconds. Default 4 and 1: what follows a kill is the same as with the product's 10 and 3, only
    /// sooner.
    pub lease_s: (u64, u64),
    /// How long a message of unknown outcome waits for a status, in seconds. Default 3.
    pub grace_s: u64,
    /// Seed of the simulator. Default 1.
    pub seed: u64,
    /// Further settings of all programs but the simulator, as `("JOBS__LEASE_S", "3")`. Default none.
    pub settings: Vec<(&'static str, String)>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self { workers: 2, schedulers: 1, redis: RedisPlan::Server, lease_s: (4, 1), grace_s: 3, seed: 1, settings: Vec::new() }
    }
}

/// Running processes. Dropping the stack kills all; in a test that fails, it shows the ends of their logs and keeps them.
#[derive(Debug)]
pub struct Stack {
    // The order is that of the end: who asks goes before who answers.
    workers: Vec<Option<Program>>,
    schedulers: Vec<Program>,
    api: Option<Program>,
    simulator: Program,
    redis: Option<Redis>,
    postgres: Postgres,
    settings: Vec<(String, String)>,
    api_port: u16,
    simulator_port: u16,
    starts: u32,
    keep: bool,
    folder: tempfile::TempDir,
}

impl Stack {
    /// Starts everything, and waits until it is ready.
    ///
    /// # Errors
    /// When a program is missing or does not become ready; the end of its log is part of the text.
    pub async fn start(options: &StackOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("heliograph-chaos-").tempdir().context("cannot make a folder")?;
        // PostgreSQL's account must be able to walk through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).context("cannot open the folder")?;
        let root = folder.path();
        std::fs::create_dir(root.join("logs")).context("cannot make a folder")?;
        let postgres = Postgres::start(&root.join("pg"), free_port()?).await?;
        let redis = match options.redis {
            RedisPlan::Server => Some(Redis::start(root, free_port()?).await?),
            RedisPlan::Absent | RedisPlan::Nobody => None,
        };
        let redis_url = match options.redis {
            RedisPlan::Server => redis.as_ref().map(Redis::url),
            RedisPlan::Absent => None,
            RedisPlan::Nobody => Some(format!("redis://127.0.0.1:{}", free_port()?)),
        };
        let (api_port, simulator_port) = (free_port()?, free_port()?);
        let settings = settings(options, root, &postgres, redis_url, api_port, simulator_port);
        let simulator = start_simulator(options, root, api_port, simulator_port)?;
        let mut stack = Self {
            workers: Vec::new(),
            schedulers: Vec::new(),
            api: None,
            simulator,
            redis,
            postgres,
            settings,
            api_port,
            simulator_port,
            starts: 0,
            keep: false,
            folder,
        };
        stack.migrate().await?;
        stack.start_api().await?;
        for _ in 0..options.schedulers {
            let scheduler = stack.start_program("scheduler", &[])?;
            stack.schedulers.push(scheduler);
        }
        for _ in 0..options.workers {
            stack.add_worker().await?;
        }
        ready(&stack.simulator, &format!("{}/_simulator/stats", stack.simulator_url())).await?;
        Ok(stack)
    }

    /// Base address of the API.
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }

    /// Base address of the provider simulator.
    pub fn simulator_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.simulator_port)
    }

    /// The simulator's log of webhooks: a line of JSON for every try.
    pub fn webhook_log(&self) -> PathBuf {
        self.folder.path().join("ledger.webhooks")
    }

    /// The database server.
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// The Redis server. Panics when the stack has none.
    pub fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("the stack was started with a Redis server")
    }

    /// Where the logs are.
    pub fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// Places of workers, whether somebody runs there or not.
    pub fn worker_places(&self) -> usize {
        self.workers.len()
    }

    /// Whether a worker runs at a place.
    pub fn has_worker(&self, place: usize) -> bool {
        self.workers[place].is_some()
    }

    /// The worker at a place. Panics when it was killed.
    pub fn worker(&self, place: usize) -> &Program {
        self.workers[place].as_ref().expect("a worker that runs")
    }

    /// Starts one more worker, and waits until it is ready. Answers its place.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn add_worker(&mut self) -> anyhow::Result<usize> {
        self.workers.push(None);
        let place = self.workers.len() - 1;
        self.start_worker(place).await?;
        Ok(place)
    }

    /// Starts a worker at a place where none runs, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_worker(&mut self, place: usize) -> anyhow::Result<()> {
        let (program, port) = self.start_with_health(&format!("worker-{}", place + 1), &[])?;
        ready(&program, &format!("http://127.0.0.1:{port}/readyz")).await?;
        self.workers[place] = Some(program);
        Ok(())
    }

    /// Starts a worker at a place where none runs, armed as `point` says: `templates.submit.created=return` ends it at that point by
    /// SIGKILL, `…=sleep(5000)` makes it stand still there. It may be dead before it was ready, as work may be waiting for it.
    ///
    /// # Errors
    /// When it cannot be started, or is a build without crash points.
    pub async fn start_armed_worker(&mut self, place: usize, point: &str) -> anyhow::Result<()> {
        let worker = locate("worker")?;
        let said = tokio::process::Command::new(&worker).arg("--version").output().await.context("cannot run the worker")?.stdout;
        if !String::from_utf8_lossy(&said).contains("with crash points") {
            bail!("{} has no crash points: cargo build --workspace --all-targets", worker.display());
        }
        let environment = [("FAILPOINTS".to_owned(), point.to_owned())];
        let (program, _) = self.start_with_health(&format!("worker-{}", place + 1), &environment)?;
        self.workers[place] = Some(program);
        Ok(())
    }

    /// Waits until the worker at a place has ended by itself, and answers how.
    ///
    /// # Errors
    /// When it still runs after `patience`.
    pub async fn wait_for_worker_end(&mut self, place: usize, patience: Duration) -> anyhow::Result<ExitStatus> {
        let worker = self.workers[place].as_mut().context("no worker runs there")?;
        let status = wait::until(patience, async || match worker.ended() {
            Some(status) => Ok(Look::There(status)),
            None => Ok(Look::NotYet(format!("{} still runs:\n{}", worker.name(), tail(worker.log(), 5)))),
        })
        .await?;
        self.workers[place] = None;
        Ok(status)
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill_worker(&mut self, place: usize) -> anyhow::Result<()> {
        self.workers[place].take().context("no worker runs there")?.kill().await
    }

    /// `kill -TERM`, and waits for the end.
    ///
    /// # Errors
    /// When it does not end in time, or with a failure.
    pub async fn terminate_worker(&mut self, place: usize) -> anyhow::Result<()> {
        let worker = self.workers[place].take().context("no worker runs there")?;
        let name = worker.name().to_owned();
        let status = worker.terminate(STOP).await?;
        if status.success() { Ok(()) } else { bail!("{name} ended with {status} after it was told to stop") }
    }

    /// `kill -9` to the API, and a new one.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn kill_and_restart_api(&mut self) -> anyhow::Result<()> {
        if let Some(api) = self.api.take() {
            api.kill().await?;
        }
        self.start_api().await
    }

    /// `kill -9` to a scheduler, and a new one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn kill_and_restart_scheduler(&mut self) -> anyhow::Result<()> {
        if let Some(scheduler) = self.schedulers.pop() {
            scheduler.kill().await?;
        }
        let scheduler = self.start_program("scheduler", &[])?;
        self.schedulers.push(scheduler);
        Ok(())
    }

    /// Programs that ended although nobody told them to.
    pub fn unexpected_ends(&mut self) -> Vec<String> {
        let workers = self.workers.iter_mut().flatten();
        let all = workers.chain(&mut self.schedulers).chain(&mut self.api).chain([&mut self.simulator]);
        all.filter_map(|program| program.ended().map(|status| format!("{} ended by itself: {status}", program.name()))).collect()
    }

    /// Keeps folder and logs when the stack ends. Answers where they are.
    pub fn keep(&mut self) -> &Path {
        self.keep = true;
        self.folder.path()
    }

    async fn migrate(&mut self) -> anyhow::Result<()> {
        let log = self.logs().join("migrate.log");
        let mut migration = Program::start("migrate", &locate("api")?, &["migrate"], &self.settings, self.folder.path(), &log)?;
        wait::until(START, async || match migration.ended() {
            Some(status) if status.success() => Ok(Look::There(())),
            Some(_) => bail!("the migrations failed:\n{}", tail(&log, 20)),
            None => Ok(Look::NotYet(format!("the migrations take too long:\n{}", tail(&log, 20)))),
        })
        .await
    }

    async fn start_api(&mut self) -> anyhow::Result<()> {
        let api = self.start_program("api", &["serve"])?;
        ready(&api, &format!("{}/readyz", self.api_url())).await?;
        self.api = Some(api);
        Ok(())
    }

    fn start_program(&mut self, name: &str, arguments: &[&str]) -> anyhow::Result<Program> {
        self.starts += 1;
        let log = self.logs().join(format!("{name}.{}.log", self.starts));
        Program::start(name, &locate(name)?, arguments, &self.settings, self.folder.path(), &log)
    }

    fn start_with_health(&mut self, name: &str, environment: &[(String, String)]) -> anyhow::Result<(Program, u16)> {
        self.starts += 1;
        let log = self.logs().join(format!("{name}.{}.log", self.starts));
        let port = free_port()?;
        let mut settings = self.settings.clone();
        settings.push(("HELIOGRAPH_HEALTH__PORT".into(), port.to_string()));
        settings.extend_from_slice(environment);
        Ok((Program::start(name, &locate("worker")?, &[], &settings, self.folder.path(), &log)?, port))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.keep {
            return;
        }
        self.folder.disable_cleanup(true);
        let mut text = format!("the logs are kept in {}\n", self.logs().display());
        let mut logs: Vec<PathBuf> = std::fs::read_dir(self.logs()).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        logs.sort();
        for log in logs {
            let _ = writeln!(text, "--- {}\n{}", log.file_name().unwrap_or_default().to_string_lossy(), tail(&log, 8));
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

fn start_simulator(options: &StackOptions, root: &Path, api_port: u16, port: u16) -> anyhow::Result<Program> {
    let ledger = root.join("ledger");
    let arguments = [
        "--port".to_owned(),
        port.to_string(),
        "--ledger".to_owned(),
        ledger.display().to_string(),
        "--callback-url".to_owned(),
        format!("http://127.0.0.1:{api_port}/api/whatsapp/webhook"),
        "--seed".to_owned(),
        options.seed.to_string(),
        "--webhook-log".to_owned(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let settings = [("SIMULATOR_APP_SECRET".to_owned(), APP_SECRET.to_owned())];
    Program::start("simulator", &locate("simulator")?, &arguments, &settings, root, &root.join("logs/simulator.log"))
}

fn settings(
    options: &StackOptions,
    root: &Path,
    postgres: &Postgres,
    redis_url: Option<String>,
    api_port: u16,
    simulator_port: u16,
) -> Vec<(String, String)> {
    let folder = |name: &str| root.join(name).display().to_string();
    let pairs = [
        ("ENVIRONMENT", "development".to_owned()),
        ("DATABASE__URL", postgres.app_url()),
        ("DATABASE__OWNER_URL", postgres.owner_url()),
        ("REDIS__URL", redis_url.unwrap_or_default()),
        ("API__PORT", api_port.to_string()),
        ("WHATSAPP__GRAPH_URL", format!("http://127.0.0.1:{simulator_port}")),
        ("WHATSAPP__APP_SECRET", APP_SECRET.to_owned()),
        ("WHATSAPP__VERIFY_TOKEN", "a verify token".to_owned()),
        ("AUTH__JWT_SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
        ("AUTH__ACCESS_TOKEN_TTL_S", "7200".to_owned()),
        ("SECRETS__MASTER_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned()),
        ("STORAGE__DIR", folder("storage")),
        ("MAIL__DIR", folder("mail")),
        ("TELEMETRY__FORMAT", "json".to_owned()),
        ("SENDING__UNKNOWN_GRACE_S", options.grace_s.to_string()),
        ("SENDING__LEASE_S", options.lease_s.0.to_string()),
        ("SENDING__RENEW_S", options.lease_s.1.to_string()),
        ("LIMITS__REGISTRATIONS_PER_HOUR", "1000".to_owned()),
        ("LIMITS__LOGINS_PER_MINUTE", "1000".to_owned()),
        ("LIMITS__REQUESTS_PER_SECOND", "10000".to_owned()),
        ("LIMITS__WRITES_PER_MINUTE", "100000".to_owned()),
        ("LIMITS__UPLOADS_PER_HOUR", "1000".to_owned()),
    ];
    pairs.into_iter().chain(options.settings.iter().cloned()).map(|(key, value)| (format!("HELIOGRAPH_{key}"), value)).collect()
}

async fn ready(program: &Program, url: &str) -> anyhow::Result<()> {
    wait_until_ready(url, START).await.with_context(|| format!("{} does not start:\n{}", program.name(), tail(program.log(), 20)))
}
