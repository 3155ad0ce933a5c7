//! The provider's whole state, and what can be done to it beside sending.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use kernel::SharedClock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    error::GraphError,
    faults::{Faults, FaultsError},
    ledger::Ledger,
    numbers::Numbers,
    stats::{Counters, Stats},
    templates::{Definition, Template, TemplateStatus, Templates},
    webhooks::Webhooks,
};

/// Everything the simulator knows.
#[derive(Debug)]
pub(crate) struct Provider {
    faults: RwLock<Arc<Faults>>,
    pub(crate) ledger: Ledger,
    pub(crate) numbers: Numbers,
    pub(crate) templates: Templates,
    pub(crate) webhooks: Webhooks,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: SharedClock,
    /// Tells the listener that [`Faults::refuse_for_ms`] was set.
    pub(crate) refuse: Notify,
    refuse_for: Mutex<Duration>,
    reviews: TaskTracker,
    stop: CancellationToken,
    memory: PathBuf,
}

/// What outlives a restart beside the ledger.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    templates: Vec<Template>,
    /// Number → business account.
    accounts: Vec<(String, String)>,
}

/// A decision about a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Review {
    /// Sendable, also again after a pause.
    Approve,
    /// Not sendable, with Meta's reason (`INVALID_FORMAT`, …).
    Reject(String),
    /// Not sendable for a time, because of its quality.
    Pause,
    /// Not sendable for good.
    Disable,
    /// Into another category.
    Recategorize(String),
}

impl Provider {
    pub(crate) fn open(
        ledger_path: &Path,
        webhooks: impl FnOnce(Arc<Counters>) -> io::Result<Webhooks>,
        clock: SharedClock,
        faults: Faults,
        stop: CancellationToken,
    ) -> io::Result<Arc<Self>> {
        let counters = Arc::<Counters>::default();
        let mut memory = ledger_path.as_os_str().to_owned();
        memory.push(".memory.json");
        let provider = Arc::new(Self {
            faults: RwLock::new(Arc::new(faults)),
            ledger: Ledger::open(ledger_path, Arc::clone(&clock))?,
            numbers: Numbers::default(),
            templates: Templates::default(),
            webhooks: webhooks(Arc::clone(&counters))?,
            counters,
            clock,
            refuse: Notify::new(),
            refuse_for: Mutex::default(),
            reviews: TaskTracker::new(),
            stop,
            memory: memory.into(),
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

    /// Creates a template and puts it up for review.
    pub(crate) fn create_template(self: &Arc<Self>, account: &str, mut definition: Definition) -> Result<Template, GraphError> {
        definition.normalise();
        definition.check(self.faults().strict)?;
        let template = self.templates.create(account, definition)?;
        self.remember();
        self.review_later(&template);
        Ok(template)
    }

    /// Changes category or components; the template goes to review again.
    pub(crate) fn edit_template(self: &Arc<Self>, template: &Template, edit: &Value) -> Result<(), GraphError> {
        let mut definition = template.definition.clone();
        if let Some(category) = edit["category"].as_str() {
            category.clone_into(&mut definition.category);
        }
        if let Some(components) = edit.get("components") {
            definition.components = components.clone();
        }
        definition.normalise();
        definition.check(self.faults().strict)?;
        let editable = |status| matches!(status, TemplateStatus::Approved | TemplateStatus::Rejected | TemplateStatus::Paused);
        let category_kept = template.status != TemplateStatus::Approved || definition.category == template.definition.category;
        let edited = self.templates.update(template.id, |template| {
            let ok = editable(template.status) && category_kept;
            if ok {
                template.definition = definition;
                template.status = TemplateStatus::Pending;
                template.reason = None;
            }
            ok
        });
        let Some(edited) = edited else {
            return Err(GraphError::of(100).subcode(2_388_039).details("This template cannot be edited in its present state."));
        };
        self.remember();
        self.review_later(&edited);
        Ok(())
    }

    /// Decides about a template and tells it by webhook. `None` when there is no such template.
    pub(crate) fn review(&self, id: u64, review: &Review) -> Option<Template> {
        let before = self.templates.find(&id.to_string())?;
        let template = self.templates.update(id, |template| {
            match review {
                Review::Approve => (template.status, template.reason) = (TemplateStatus::Approved, None),
                Review::Reject(reason) => (template.status, template.reason) = (TemplateStatus::Rejected, Some(reason.clone())),
                Review::Pause => {
                    template.pauses += 1;
                    (template.status, template.reason) = (TemplateStatus::Paused, None);
                }
                Review::Disable => (template.status, template.reason) = (TemplateStatus::Disabled, None),
                Review::Recategorize(category) => category.clone_into(&mut template.definition.category),
            }
            true
        })?;
        self.remember();
        self.tell_review(&before, &template, review);
        Some(template)
    }

    fn tell_review(&self, before: &Template, template: &Template, review: &Review) {
        if !self.webhooks.wanted(&self.faults().webhook) {
            return;
        }
        let mut value = json!({
            "message_template_id": template.id,
            "message_template_name": template.definition.name,
            "message_template_language": template.definition.language,
        });
        let field = if let Review::Recategorize(category) = review {
            value["previous_category"] = before.definition.category.as_str().into();
            value["new_category"] = category.as_str().into();
            "template_category_update"
        } else {
            value["event"] = template.status.name().into();
            value["message_template_category"] = template.definition.category.as_str().into();
            value["reason"] = template.reason.as_deref().unwrap_or("NONE").into();
            let title = match (review, before.status) {
                (Review::Pause, _) => Some(if template.pauses > 1 { "SECOND_PAUSE" } else { "FIRST_PAUSE" }),
                (Review::Disable, _) => Some("DISABLED"),
                (Review::Approve, TemplateStatus::Paused) => Some("UNPAUSE"),
                _ => None,
            };
            if let Some(title) = title {
                value["other_info"] = json!({ "title": title, "description": "Decided by the quality of the template." });
            }
            if let Review::Reject(reason) = review {
                value["rejection_info"] = json!({ "reason": reason, "recommendation": "Edit the template and submit it again." });
            }
            "message_template_status_update"
        };
        let entry = self.webhooks.entry(&template.account, field, &value);
        self.webhooks.tell(&"".into(), &entry, 0);
    }

    fn review_later(self: &Arc<Self>, template: &Template) {
        let faults = self.faults();
        if faults.review_off {
            return;
        }
        let review =
            if template.definition.has_adjacent_variables() { Review::Reject("INVALID_FORMAT".to_owned()) } else { Review::Approve };
        let (provider, id, delay) = (Arc::clone(self), template.id, Duration::from_millis(faults.review_delay_ms));
        let stop = self.stop.clone();
        self.reviews.spawn(async move {
            if stop.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
                return;
            }
            let pending = provider.templates.find(&id.to_string()).is_some_and(|template| template.status == TemplateStatus::Pending);
            if pending && !provider.faults().review_off {
                provider.review(id, &review);
            }
        });
    }

    /// Writes down what outlives a restart; a failure is logged, as only a later restart would notice.
    pub(crate) fn remember(&self) {
        let memory = Memory { templates: self.templates.all(), accounts: self.numbers.accounts() };
        let draft = self.memory.with_extension("draft");
        let written = serde_json::to_vec(&memory)
            .map_err(io::Error::from)
            .and_then(|bytes| std::fs::write(&draft, bytes))
            .and_then(|()| std::fs::rename(&draft, &self.memory));
        if let Err(error) = written {
            tracing::error!(%error, "cannot write down the templates");
        }
    }

    fn recall(self: &Arc<Self>) -> io::Result<()> {
        let memory: Memory = match std::fs::read(&self.memory) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for (number, account) in &memory.accounts {
            self.numbers.restore(number, account);
        }
        self.templates.restore(memory.templates);
        for template in self.templates.all().iter().filter(|template| template.status == TemplateStatus::Pending) {
            self.review_later(template);
        }
        Ok(())
    }
}
