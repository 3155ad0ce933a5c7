//! What an operator has the program do besides serving: look whether the audit log is whole, and change the keys of what is sealed.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
};

use anyhow::{Context, bail};
use crm::{
    audit::{self, Anchored, Anchors},
    secrets::{self, Rotation, Vault},
};
use db::{Db, DbOptions};
use kernel::OrganizationId;
use runtime::Config;

/// Connections of a command.
const CONNECTIONS: u32 = 2;

/// Walks the audit log of `only`, or of every organization, and tells `out` what it found. `anchors` is a file of log lines, of which those
/// count that hold the head of a chain.
///
/// # Errors
/// When an entry does not fit, after naming the first one of each organization; and when the log could not be read.
pub async fn verify_audit(
    config: &Config,
    only: Option<OrganizationId>,
    anchors: Option<&Path>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let anchors = anchors.map(read_anchors).transpose()?;
    let db = open(config, "api-verify-audit")?;
    let report = audit::verify(&db, only, anchors.as_ref().unwrap_or(&Anchors::default())).await.context("cannot read the audit log")?;
    db.close().await;
    for fault in &report.faults {
        writeln!(out, "{fault}")?;
    }
    writeln!(out, "{} entries of {} organizations were looked at", report.entries, report.chains)?;
    if let Some(anchors) = anchors {
        writeln!(out, "{} anchors were compared", anchors.len())?;
    }
    match report.faults.len() {
        0 => Ok(()),
        broken => bail!("the audit log of {broken} organizations is not what was recorded"),
    }
}

/// The anchors among the lines of a log.
fn read_anchors(path: &Path) -> anyhow::Result<Anchors> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut anchors = Anchors::default();
    // Logs may hold bytes that are no text.
    for line in BufReader::new(file).split(b'\n') {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        if let Some(anchored) = Anchored::in_line(&String::from_utf8_lossy(&line)) {
            anchors.add(anchored);
        }
    }
    if anchors.is_empty() {
        bail!("{} holds no anchor of an audit log", path.display());
    }
    Ok(anchors)
}

/// Brings everything that is sealed under the master key, and tells `out` what became of each column. The programs may run.
///
/// # Errors
/// When something is not under the master key afterwards: it does not open with the keys of the settings, or was written again and again.
pub async fn rotate_secrets(config: &Config, rotation: Rotation, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let vault = Vault::new(&config.secrets.key_id, &config.secrets.master_key)
        .and_then(|vault| vault.with_earlier_keys(&config.secrets.earlier_keys()))
        .context("the settings of `secrets` cannot be used")?;
    let db = open(config, "api-rotate-secrets")?;
    let report = secrets::rotate(&db, &vault, rotation).await.context("cannot change the keys; what was changed is good, run it again")?;
    db.close().await;
    writeln!(out, "master key `{}`", vault.key_id())?;
    for (column, rows) in &report.0 {
        let secrets::ColumnReport { changed, current, raced, refused } = rows;
        writeln!(out, "{column}: {changed} changed, {current} were under it, {raced} written meanwhile, {refused} do not open")?;
    }
    if report.is_complete() { Ok(()) } else { bail!("not everything is under the master key: keep the earlier keys, and run it again") }
}

fn open(config: &Config, application: &'static str) -> anyhow::Result<Db> {
    let options = DbOptions {
        direct_url: config.database.direct_url.clone(),
        statement_cache: config.database.statement_cache,
        max_connections: CONNECTIONS,
        ..DbOptions::new(config.database.url.clone(), application)
    };
    Db::open(&options).context("the database settings cannot be used")
}
