//! A pooler of its own before the database of a test, which gives each transaction another connection of the server.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};

use anyhow::Context;
use secrecy::SecretString;
use tokio::net::TcpStream;
use url::Url;

use super::{PGBOUNCER_SETTING, Program, free_port, postgres, setting};
use crate::wait::{self, Look};

/// How long it may take to answer.
const START: Duration = Duration::from_secs(10);

/// A running pgbouncer in transaction mode, with its defaults but for that. Dropping it kills it.
#[derive(Debug)]
pub struct Pgbouncer {
    url: SecretString,
    _program: Program,
    _folder: tempfile::TempDir,
}

impl Pgbouncer {
    /// Starts one that serves the database of `url` over at most `connections` of the server.
    ///
    /// # Errors
    /// When there is no pgbouncer, or it does not start.
    pub async fn start(url: &str, connections: u32) -> anyhow::Result<Self> {
        let path =
            setting(PGBOUNCER_SETTING).with_context(|| format!("{PGBOUNCER_SETTING} is not set: run this by `deploy/local test`"))?;
        let mut url = Url::parse(url).context("not an address")?;
        let (host, port) = (url.host_str().context("an address without a host")?, url.port().unwrap_or(5432));
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let (ini, users) = (folder.path().join("pgbouncer.ini"), folder.path().join("users"));
        fs::write(&users, format!("\"{}\" \"\"\n", url.username())).context("cannot write the users")?;
        let own = free_port()?;
        let settings = format!(
            "[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 500\n",
            users.display()
        );
        fs::write(&ini, settings).context("cannot write the settings")?;
        let ini = ini.to_str().context("a folder with a strange name")?;
        let mut arguments = vec![ini];
        if fs::metadata(folder.path())?.uid() == 0 {
            arguments.extend(["-u", postgres::account()?]);
        }
        let log = folder.path().join("pgbouncer.log");
        let program = Program::start("pgbouncer", &PathBuf::from(path), &arguments, &[], folder.path(), &log)?;
        wait::until(START, async || Ok(Look::at(TcpStream::connect(("127.0.0.1", own)).await)))
            .await
            .with_context(|| format!("pgbouncer does not start: {}", super::program::tail(&log, 10)))?;
        url.set_host(Some("127.0.0.1")).context("an address without a host")?;
        url.set_port(Some(own)).ok().context("an address without a port")?;
        Ok(Self { url: String::from(url).into(), _program: program, _folder: folder })
    }

    /// `postgres://` of the pooler.
    pub fn url(&self) -> SecretString {
        self.url.clone()
    }
}
