//! The life of templates: calls of the business, and what happens by itself when its time has come.
//!
//! Times go by the simulator's clock, so tests may put them forward; they outlive a restart.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Definition, Review, Template, TemplateCalls, TemplateStatus, check};
use crate::simulator::{error::GraphError, faults::TemplateFaults, provider::Provider};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Longest time between two looks at the clock while something is due: clocks of tests jump.
const LOOK: Duration = Duration::from_millis(20);

/// Calls about templates: how many there were, and when.
#[derive(Debug, Default)]
pub(crate) struct Management {
    calls: Mutex<TemplateCalls>,
    /// Account → times of calls within the last hour.
    recent: Mutex<HashMap<String, VecDeque<i64>>>,
    /// Something new is due.
    planned: Notify,
}

impl Management {
    pub(crate) fn restore(&self, calls: TemplateCalls) {
        *self.calls() = calls;
    }

    /// Counts calls.
    pub(crate) fn calls(&self) -> MutexGuard<'_, TemplateCalls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, account: &str, now: i64, limit: u32) -> Result<(), GraphError> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let times = recent.entry(account.to_owned()).or_default();
        while times.front().is_some_and(|time| *time <= now - HOUR_MS) {
            times.pop_front();
        }
        if times.len() >= limit as usize {
            return Err(GraphError::of(80_007).details("There have been too many calls to this WhatsApp Business account."));
        }
        times.push_back(now);
        Ok(())
    }
}

/// Which templates are to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// All languages.
    Name(String),
    /// One language.
    NameAndId(String, String),
    Ids(Vec<String>),
}

impl Provider {
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    /// Counts a call about the templates of an account against its limit.
    pub(crate) fn admit_call(&self, account: &str) -> Result<(), GraphError> {
        self.management.admit(account, self.now_ms(), self.faults().template.calls_per_hour)
    }

    /// Creates a template and puts it up for review.
    pub(crate) fn create_template(&self, account: &str, mut definition: Definition) -> Result<Template, GraphError> {
        definition.normalise();
        check::check(&definition)?;
        self.check_samples(&definition, false)?;
        let template = self.templates.create(account, definition, self.now_ms(), &self.faults().template)?;
        let template = self.plan_review(template);
        self.management.calls().created += 1;
        self.remember();
        Ok(template)
    }

    /// Changes category, components or time to live; all components are replaced, and the template goes to review again.
    pub(crate) fn edit_template(&self, template: &Template, edit: &Value) -> Result<(), GraphError> {
        let definition = edited(&template.definition, edit)?;
        check::check(&definition)?;
        self.check_samples(&definition, edit.get("components").is_some())?;
        let (now, faults) = (self.now_ms(), self.faults());
        let changed = self.templates.try_update(template.id, |template| {
            may_edit(template, &definition, now, &faults.template)?;
            let only_time = definition.components == template.definition.components && definition.category == template.definition.category;
            let only_time = only_time && edit.get("components").is_none();
            template.definition = definition;
            template.version += 1;
            if only_time {
                return Ok(());
            }
            if template.status == TemplateStatus::Approved {
                template.edits.retain(|time| *time > now - 30 * DAY_MS);
                template.edits.push(now);
            }
            template.edited = true;
            template.enter(TemplateStatus::Pending);
            Ok(())
        });
        let changed = changed.unwrap_or_else(|| Err(not_found()))?;
        if changed.status == TemplateStatus::Pending {
            self.plan_review(changed);
        }
        self.management.calls().edited += 1;
        self.remember();
        Ok(())
    }

    /// Deletes templates. Nothing is deleted when one of them cannot be.
    pub(crate) fn delete_templates(&self, account: &str, deletion: &Deletion) -> Result<(), GraphError> {
        let named = |template: &Template, id: &String| template.id.to_string() == *id;
        let doomed: Vec<Template> = self
            .templates
            .live()
            .into_iter()
            .filter(|template| template.account == account)
            .filter(|template| match deletion {
                Deletion::Name(name) => template.definition.name == *name,
                Deletion::NameAndId(name, id) => template.definition.name == *name && named(template, id),
                Deletion::Ids(ids) => ids.iter().any(|id| named(template, id)),
            })
            .collect();
        let complete = match deletion {
            Deletion::Ids(ids) => ids.iter().all(|id| doomed.iter().any(|template| named(template, id))),
            _ => !doomed.is_empty(),
        };
        if !complete {
            return Err(not_found());
        }
        if doomed.iter().any(|template| template.status == TemplateStatus::Disabled) {
            return Err(GraphError::of(100).for_people("Message template can't be deleted", "A disabled template cannot be deleted."));
        }
        let by_name = matches!(deletion, Deletion::Name(_));
        for template in doomed.iter().filter(|template| template.status != TemplateStatus::PendingDeletion) {
            let deleted = |template: &mut Template| template.deleted_by_name = by_name;
            let _ = self.templates.update(template.id, deleted);
            let _ = self.review(template.id, &Review::Delete);
        }
        self.management.calls().deleted += 1;
        self.remember();
        Ok(())
    }

    /// Ends a pause. `false` when there is none.
    pub(crate) fn unpause_template(&self, template: &Template) -> bool {
        let paused = template.status == TemplateStatus::Paused;
        if paused {
            let _ = self.review(template.id, &Review::Approve);
            self.management.calls().unpaused += 1;
            self.remember();
        }
        paused
    }

    /// Decides about a template and tells it by webhook. `None` when there is no such template.
    pub(crate) fn review(&self, id: u64, review: &Review) -> Option<Template> {
        let (now, faults) = (self.now_ms(), self.faults());
        let (mut news, mut components) = (None, false);
        let template = self.templates.update(id, |template| {
            news = Some(template.decide(review, now, &faults.template));
            components = *review == Review::Approve && std::mem::take(&mut template.edited);
        })?;
        self.remember();
        self.management.planned.notify_one();
        if let Some(news) = news {
            self.tell_news(&template, &news);
        }
        if components {
            self.tell_components(&template);
        }
        Some(template)
    }

    /// Puts the automatic review in line.
    fn plan_review(&self, template: Template) -> Template {
        let faults = self.faults();
        if faults.review_off {
            return template;
        }
        let at = self.now_ms().saturating_add(i64::try_from(faults.review_delay_ms).unwrap_or(i64::MAX));
        let planned = self.templates.update(template.id, |template| template.due.review = Some(at));
        self.management.planned.notify_one();
        planned.unwrap_or(template)
    }

    /// Puts templates that an earlier start left PENDING up for review.
    pub(crate) fn plan_reviews(&self) {
        let pending = |template: &Template| template.status == TemplateStatus::Pending && template.due.review.is_none();
        for template in self.templates.live().into_iter().filter(pending) {
            self.plan_review(template);
        }
    }

    /// Does everything whose time has come.
    fn catch_up(&self) {
        while let Some((at, id)) = self.templates.next_due() {
            let now = self.now_ms();
            if at > now {
                return;
            }
            let Some(template) = self.templates.find(&id.to_string()) else { return };
            let due = |time: Option<i64>| time.is_some_and(|time| time <= now);
            if due(template.due.review) {
                self.review_by_itself(&template);
            } else if due(template.due.unpause) {
                let _ = self.review(id, &Review::Approve);
            } else if due(template.due.category) {
                let _ = self.review(id, &Review::Recategorize(template.correct_category.unwrap_or(template.definition.category)));
            } else {
                let _ = self.review(id, &Review::Delete);
            }
        }
    }

    fn review_by_itself(&self, template: &Template) {
        let faults = self.faults();
        if template.status != TemplateStatus::Pending || faults.review_off {
            let _ = self.templates.update(template.id, |template| template.due.review = None);
            return;
        }
        let review = if !faults.template.review_rejects.is_empty() {
            Review::Reject(faults.template.review_rejects.clone())
        } else if check::has_adjacent_variables(&template.definition) {
            Review::Reject("INVALID_FORMAT".to_owned())
        } else {
            Review::Approve
        };
        let _ = self.review(template.id, &review);
    }

    /// Samples of media must fit their headers; when strict, they must have been uploaded here.
    fn check_samples(&self, definition: &Definition, no_links: bool) -> Result<(), GraphError> {
        let strict = self.faults().strict;
        for (format, handle) in definition.samples_of_media() {
            let wrong = |sentence: &str| {
                let title = "Message header format is incorrect";
                Err(GraphError::of(100).subcode(2_388_047).for_people(title, format!("HEADER: {sentence}")))
            };
            let link = handle.starts_with("http://") || handle.starts_with("https://");
            match self.uploads.kind_of(handle) {
                _ if link && no_links => return wrong("a sample is a handle of an upload, not a link."),
                None if strict => return wrong("the handle of the sample is not valid."),
                Some(kind) if !kind.fits(format) => return wrong("the sample is of another kind than the header."),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Watches the clock until `stop`.
pub(crate) async fn run(provider: Arc<Provider>, stop: CancellationToken) {
    loop {
        provider.catch_up();
        let planned = provider.management.planned.notified();
        let wait = provider.templates.next_due().map(|(at, _)| {
            let left = u64::try_from(at - provider.now_ms()).unwrap_or_default();
            Duration::from_millis(left.max(1)).min(LOOK)
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = planned => {}
            () = async { tokio::time::sleep(wait.unwrap_or_default()).await }, if wait.is_some() => {}
        }
    }
}

/// The definition after an edit.
fn edited(definition: &Definition, edit: &Value) -> Result<Definition, GraphError> {
    let wrong = |name: &str| {
        GraphError::parameter(format!("Param {name} is malformed.")).for_people("Invalid parameter", format!("Param {name} is malformed."))
    };
    let mut edited = definition.clone();
    for (name, present) in [("name", &definition.name), ("language", &definition.language)] {
        if edit.get(name).is_some_and(|value| value.as_str() != Some(present.as_str())) {
            return Err(wrong(name));
        }
    }
    if !["category", "components", "message_send_ttl_seconds"].iter().any(|name| edit.get(name).is_some()) {
        return Err(wrong("components"));
    }
    if let Some(category) = edit.get("category") {
        category.as_str().ok_or_else(|| wrong("category"))?.clone_into(&mut edited.category);
    }
    if let Some(components) = edit.get("components") {
        edited.components = components.clone();
    }
    if let Some(seconds) = edit.get("message_send_ttl_seconds") {
        edited.message_send_ttl_seconds = Some(seconds.as_i64().ok_or_else(|| wrong("message_send_ttl_seconds"))?);
    }
    edited.normalise();
    Ok(edited)
}

fn may_edit(template: &Template, definition: &Definition, now: i64, faults: &TemplateFaults) -> Result<(), GraphError> {
    let refused = |sentence: String| Err(GraphError::of(100).subcode(2_388_039).for_people("Message template can't be edited", sentence));
    if !matches!(template.status, TemplateStatus::Approved | TemplateStatus::Rejected | TemplateStatus::Paused) {
        return refused(format!("A template that is {} cannot be edited.", template.status.name()));
    }
    if template.status != TemplateStatus::Approved {
        return Ok(());
    }
    if definition.category != template.definition.category {
        return refused("The category of an approved template cannot be changed.".to_owned());
    }
    let within = |span: i64| template.edits.iter().filter(|time| **time > now - span).count();
    if within(DAY_MS) >= faults.edits_per_day as usize {
        return refused(format!("An approved template can be edited {} times within 24 hours.", faults.edits_per_day));
    }
    if within(30 * DAY_MS) >= faults.edits_per_month as usize {
        return refused(format!("An approved template can be edited {} times within 30 days.", faults.edits_per_month));
    }
    Ok(())
}

fn not_found() -> GraphError {
    GraphError::of(100).subcode(2_593_002).for_people("Message template not found", "The message template does not exist.")
}
