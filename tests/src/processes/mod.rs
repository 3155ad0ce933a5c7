//! The product as its operators run it: the real programs as processes of their own, beside a private PostgreSQL and Redis, so that each of
//! them can be killed, stopped, frozen and restarted.
//!
//! The programs stand in the target folder, beside the test that starts them; nothing is built here.

mod pgbouncer;
mod postgres;
mod program;
mod redis;
mod s3;
mod stack;

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};

use anyhow::{Context, bail};

pub use self::{
    pgbouncer::Pgbouncer,
    postgres::Postgres,
    program::Program,
    redis::Redis,
    s3::S3,
    stack::{RedisPlan, Stack, StackOptions},
};

/// Names the folder with PostgreSQL's programs.
pub const PG_BIN_SETTING: &str = "HELIOGRAPH_TEST_PG_BIN";
/// Names pgbouncer's program.
pub const PGBOUNCER_SETTING: &str = "HELIOGRAPH_TEST_PGBOUNCER";
/// Names Redis' server program.
pub const REDIS_SETTING: &str = "HELIOGRAPH_TEST_REDIS_SERVER";

/// Finds a program of this workspace in the target folder that the running program stands in.
///
/// # Errors
/// When it was not built.
pub fn locate(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("cannot find the running program")?;
    let mut folders = here.ancestors().skip(1);
    let found = folders.by_ref().take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| {
        format!("the program `{name}` is not built: cargo build --workspace --all-targets (looked beside {})", here.display())
    })
}

/// A variable of the environment, which only says where tools are.
pub(crate) fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration file")]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

/// A port that nobody listens on, from below the range that outgoing connections take theirs from: it stays free while its owner restarts.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    for _ in 0..200 {
        let port = rand::random_range(10_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port was found")
}
