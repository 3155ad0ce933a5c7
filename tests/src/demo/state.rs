//! What the demo remembers between runs: its tenant, its number, its template.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Kept in `.data/demo.json`, readable by its owner only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    pub(super) email: String,
    pub(super) password: String,
    /// The provider's id of the demo's number.
    pub(super) phone_number_id: String,
    pub(super) business_account_id: String,
    pub(super) channel_id: Option<String>,
    pub(super) template_id: Option<String>,
    /// Runs begun so far.
    pub(super) runs: usize,
}

impl State {
    /// Reads the file; makes up a tenant when there is none.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged; remove it", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::made_up()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub(super) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(file.write_all(&text)?)
    }

    /// Another tenant, because the address of this one belongs to an account whose password is lost.
    pub(super) fn rename(&mut self) {
        *self = Self { email: format!("demo-{:08x}@example.com", rand::rng().random::<u32>()), ..Self::made_up() };
    }

    fn made_up() -> Self {
        let mut rng = rand::rng();
        Self {
            email: "demo@example.com".into(),
            password: format!("Demo-{:016x}", rng.random::<u64>()),
            phone_number_id: rng.random_range(100_000_000_000_000_u64..1_000_000_000_000_000).to_string(),
            business_account_id: rng.random_range(100_000_000_000_000_u64..1_000_000_000_000_000).to_string(),
            channel_id: None,
            template_id: None,
            runs: 0,
        }
    }
}
