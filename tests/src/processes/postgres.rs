//! A PostgreSQL cluster of its own, with the durability that an installation has.

use std::{
    fs,
    io::Write,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, bail};
use sqlx::{Connection, PgConnection};

use super::{PG_BIN_SETTING, setting};

const OWNER: &str = "crm_owner";
const DATABASE: &str = "heliograph";

/// A running cluster with an empty database. Dropping it ends it at once.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    port: u16,
    /// The account that runs it, when ours is one that it refuses.
    account: Option<&'static str>,
    guard: Option<Child>,
    hurt: AtomicBool,
}

impl Postgres {
    /// Makes and starts a cluster in `folder`, which must not exist.
    ///
    /// # Errors
    /// When PostgreSQL's programs are not where the environment says, or do not start.
    pub async fn start(folder: &Path, port: u16) -> anyhow::Result<Self> {
        let bin = setting(PG_BIN_SETTING).with_context(|| format!("{PG_BIN_SETTING} is not set: run this by `deploy/local`"))?;
        fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let account = if fs::metadata(folder)?.uid() == 0 { Some(account()?) } else { None };
        if let Some(account) = account {
            run(Command::new("chown").arg(account).arg(folder))?;
        }
        let mut postgres = Self { bin: bin.into(), data: folder.to_owned(), port, account, guard: None, hurt: AtomicBool::new(false) };
        let data = postgres.data.clone();
        // Only the making of the cluster need not outlive a power cut.
        run(postgres.tool("initdb").arg("-D").arg(&data).args(["-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]))?;
        postgres.guard = Some(postgres.start_guard()?);
        postgres.control(&["start"])?;
        let mut connection =
            PgConnection::connect(&postgres.address(OWNER, "postgres")).await.context("the new cluster does not answer")?;
        sqlx::query("create database heliograph").execute(&mut connection).await.context("cannot make the database")?;
        connection.close().await.context("cannot close the connection")?;
        Ok(postgres)
    }

    /// Address of the database for the role that owns everything.
    pub fn owner_url(&self) -> String {
        self.address(OWNER, DATABASE)
    }

    /// Address of the database for the product.
    pub fn app_url(&self) -> String {
        self.address("crm_app", DATABASE)
    }

    /// A connection that sees the rows of all organizations.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        PgConnection::connect(&self.owner_url()).await.context("the database does not answer")
    }

    /// Ends every session without a farewell, as a crash does, and starts the server again; it recovers from its log.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn crash_and_restart(&self) -> anyhow::Result<()> {
        self.hurt.store(true, Ordering::Relaxed);
        let mut command = self.control_command(&["-m", "immediate", "restart"]);
        tokio::task::spawn_blocking(move || run(&mut command)).await.context("the restart panicked")?
    }

    /// Ends every session of others without a warning; the server goes on.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn end_sessions(&self) -> anyhow::Result<()> {
        self.hurt.store(true, Ordering::Relaxed);
        let mut connection = self.connect().await?;
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
        )
        .execute(&mut connection)
        .await
        .context("the sessions cannot be ended")?;
        connection.close().await.context("cannot close the connection")
    }

    /// Whether statements failed because of what was done to it.
    pub fn was_hurt(&self) -> bool {
        self.hurt.load(Ordering::Relaxed)
    }

    fn control(&self, action: &[&str]) -> anyhow::Result<()> {
        run(&mut self.control_command(action))
    }

    fn control_command(&self, action: &[&str]) -> Command {
        let mut command = self.tool("pg_ctl");
        let options = format!("-p {} -k '' -c listen_addresses=127.0.0.1 -c max_connections=200 -c shared_buffers=128MB", self.port);
        command
            .arg("-D")
            .arg(&self.data)
            .args(["-s", "-w", "-t", "60", "-o", &options, "-l"])
            .arg(self.data.join("server.log"))
            .args(action);
        command
    }

    fn tool(&self, name: &str) -> Command {
        let path = self.bin.join(name);
        let mut command = match self.account {
            Some(account) => {
                let mut command = Command::new("runuser");
                command.args(["-u", account, "--"]).arg(path);
                command
            }
            None => Command::new(path),
        };
        command.current_dir("/");
        command
    }

    /// A process that ends the server when this one is gone, however it ended: the server leaves our group, and would stay for ever.
    fn start_guard(&self) -> anyhow::Result<Child> {
        const SCRIPT: &str =
            r#"trap '' INT TERM HUP; cat >/dev/null; pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"; :"#;
        Command::new("sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(&self.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start sh")
    }

    fn address(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stopped = self.control(&["-m", "immediate", "stop"]);
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
        if let Err(error) = stopped
            && self.data.join("postmaster.pid").exists()
        {
            let _ = writeln!(std::io::stderr(), "PostgreSQL was not stopped: {error:#}");
        }
    }
}

/// PostgreSQL and pgbouncer refuse to run as root.
pub(super) fn account() -> anyhow::Result<&'static str> {
    let exists = |name: &str| Command::new("id").arg(name).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    ["postgres", "nobody"].into_iter().find(|name| exists(name)).context("there is no account that PostgreSQL could run as")
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    // Not a pipe for the output: the server would inherit it, and a reader would wait for the server's end.
    let errors = tempfile::tempfile().context("cannot make a file")?;
    let name = command.get_args().find(|argument| argument.to_string_lossy().contains('/')).map(|path| path.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| command.get_program().to_string_lossy().into_owned());
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.try_clone().context("cannot use a file twice")?)
        .status()
        .with_context(|| format!("cannot run {name}"))?;
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    let mut errors = errors;
    std::io::Seek::rewind(&mut errors).and_then(|()| std::io::Read::read_to_string(&mut errors, &mut said)).ok();
    bail!("{name} failed ({status}): {}", said.trim())
}
