//! The provider's whole state, and what can be done to it beside sending.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use kernel::SharedClock;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use super::{
    faults::{Faults, FaultsError, TemplateFaults},
    ledger::Ledger,
    numbers::Numbers,
    stats::{Counters, Stats},
    templates::{Management, Template, TemplateCalls, Templates},
    uploads::{Session, Uploads},
    webhooks::Webhooks,
};

/// Everything the simulator knows.
#[derive(Debug)]
pub(crate) struct Provider {
    faults: RwLock<Arc<Faults>>,
    pub(crate) ledger: Ledger,
    pub(crate) numbers: Numbers,
    pub(crate) templates: Templates,
    pub(crate) management: Management,
    pub(crate) uploads: Uploads,
    pub(crate) webhooks: Webhooks,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: SharedClock,
    /// Tells the listener that [`Faults::refuse_for_ms`] was set.
    pub(crate) refuse: Notify,
    refuse_for: Mutex<Duration>,
    memory: PathBuf,
    writing: Mutex<()>,
}

/// What outlives a restart beside the ledger.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    templates: Vec<Template>,
    /// Number → business account.
    accounts: Vec<(String, String)>,
    calls: TemplateCalls,
    uploads: Vec<Session>,
}

impl Provider {
    pub(crate) fn open(
        ledger_path: &Path,
        webhooks: impl FnOnce(Arc<Counters>) -> io::Result<Webhooks>,
        clock: SharedClock,
        faults: Faults,
    ) -> io::Result<Arc<Self>> {
        let counters = Arc::<Counters>::default();
        let mut memory = ledger_path.as_os_str().to_owned();
        memory.push(".memory.json");
        let provider = Arc::new(Self {
            faults: RwLock::new(Arc::new(faults)),
            ledger: Ledger::open(ledger_path, Arc::clone(&clock))?,
            numbers: Numbers::default(),
            templates: Templates::default(),
            management: Management::default(),
            uploads: Uploads::default(),
            webhooks: webhooks(Arc::clone(&counters))?,
            counters,
            clock,
            refuse: Notify::new(),
            refuse_for: Mutex::default(),
            memory: memory.into(),
            writing: Mutex::default(),
        });
        provider.recall()?;
        Ok(provider)
    }

    /// The faults in force.
    pub(crate) fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lays a patch over the faults in force.
    pub(crate) fn merge_faults(&self, patch: Value) -> Result<Arc<Faults>, FaultsError> {
        let mut faults = self.faults.write().unwrap_or_else(PoisonError::into_inner);
        let merged = faults.merged(patch)?;
        drop(std::mem::replace(&mut *faults, Arc::new(merged)));
        drop(faults);
        Ok(self.apply())
    }

    /// Replaces the faults in force.
    pub(crate) fn replace_faults(&self, faults: Faults) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(faults);
        self.apply();
    }

    /// Acts on what is an event and not a state.
    fn apply(&self) -> Arc<Faults> {
        let mut faults = self.faults.write().unwrap_or_else(PoisonError::into_inner);
        if faults.refuse_for_ms > 0 {
            *self.refuse_for.lock().unwrap_or_else(PoisonError::into_inner) = Duration::from_millis(faults.refuse_for_ms);
            *faults = Arc::new(Faults { refuse_for_ms: 0, ..Faults::clone(&faults) });
            self.refuse.notify_one();
        }
        Arc::clone(&faults)
    }

    /// For how long the port shall be closed; asked for once.
    pub(crate) fn take_refusal(&self) -> Duration {
        std::mem::take(&mut self.refuse_for.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The counters now.
    pub(crate) fn stats(&self) -> Stats {
        self.counters.snapshot(self.ledger.len(), self.webhooks.pending())
    }

    /// Whether a fault that counts down strikes now.
    pub(crate) fn spend(&self, count: impl Fn(&mut TemplateFaults) -> &mut u64) -> bool {
        let mut faults = self.faults.write().unwrap_or_else(PoisonError::into_inner);
        let mut left = Faults::clone(&faults);
        let strikes = count(&mut left.template);
        if *strikes == 0 {
            return false;
        }
        *strikes -= 1;
        *faults = Arc::new(left);
        true
    }

    /// Writes down what outlives a restart; a failure is logged, as only a later restart would notice.
    pub(crate) fn remember(&self) {
        // One at a time, so that the last one to write has seen everything.
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = Memory {
            templates: self.templates.all(),
            accounts: self.numbers.accounts(),
            calls: self.management.calls().clone(),
            uploads: self.uploads.all(),
        };
        let draft = self.memory.with_extension("draft");
        let written = serde_json::to_vec(&memory)
            .map_err(io::Error::from)
            .and_then(|bytes| std::fs::write(&draft, bytes))
            .and_then(|()| std::fs::rename(&draft, &self.memory));
        if let Err(error) = written {
            tracing::error!(%error, "cannot write down the templates");
        }
    }

    fn recall(&self) -> io::Result<()> {
        let memory: Memory = match std::fs::read(&self.memory) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for (number, account) in &memory.accounts {
            self.numbers.restore(number, account);
        }
        self.templates.restore(memory.templates);
        self.management.restore(memory.calls);
        self.uploads.restore(memory.uploads);
        self.plan_reviews();
        Ok(())
    }
}
