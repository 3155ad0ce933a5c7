//! Decisions about templates.

use super::{Template, TemplateStatus};
use crate::simulator::faults::TemplateFaults;

/// A decision about a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Review {
    /// Sendable, also again after a pause.
    Approve,
    /// Not sendable, with Meta's reason (`INVALID_FORMAT`, …).
    Reject(String),
    /// Not sendable for a time, because of its quality; the third time for good.
    Pause,
    /// Not sendable for good.
    Disable,
    /// Into another category, at once.
    Recategorize(String),
    /// Into another category, after a notice.
    AnnounceCategory(String),
    /// Its quality: `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    Quality(String),
    /// Told to be in danger; sendable still.
    Flag,
    /// Sendable again after a wrong decision.
    Reinstate,
    /// Looked at again because the business asked for it.
    Appeal,
    /// Can be neither sent nor changed.
    Lock,
    /// Put away because it was not used.
    Archive,
    /// Taken out again.
    Unarchive,
    /// Deleted by the provider.
    Delete,
}

/// What is told about a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    Status { event: &'static str, title: Option<&'static str> },
    Quality { previous: String },
    CategoryAnnounced { at: i64 },
    CategoryChanged { previous: String },
}

impl News {
    fn status(template: &Template) -> Self {
        Self::Status { event: template.status.name(), title: None }
    }
}

impl Template {
    /// Does what was decided, and answers what is to be told.
    pub(super) fn decide(&mut self, review: &Review, now: i64, faults: &TemplateFaults) -> News {
        match review {
            Review::Approve => {
                let paused = self.status == TemplateStatus::Paused;
                self.enter(TemplateStatus::Approved);
                if paused {
                    self.quality = super::unknown();
                }
                News::Status { event: "APPROVED", title: paused.then_some("UNPAUSE") }
            }
            Review::Reject(reason) => {
                self.enter(TemplateStatus::Rejected);
                self.reason = Some(reason.clone());
                News::status(self)
            }
            Review::Pause => self.pause(now, faults),
            Review::Disable => {
                self.enter(TemplateStatus::Disabled);
                News::Status { event: "DISABLED", title: Some("DISABLED") }
            }
            Review::Recategorize(category) => self.recategorize(category.clone()),
            Review::AnnounceCategory(category) => {
                let at = now.saturating_add(millis(faults.category_notice_seconds));
                self.correct_category = Some(category.clone());
                self.due.category = Some(at);
                News::CategoryAnnounced { at }
            }
            Review::Quality(score) => News::Quality { previous: std::mem::replace(&mut self.quality, score.clone()) },
            Review::Flag => News::Status { event: "FLAGGED", title: None },
            Review::Reinstate => {
                self.enter(TemplateStatus::Approved);
                News::Status { event: "REINSTATED", title: None }
            }
            Review::Appeal => {
                self.enter(TemplateStatus::InAppeal);
                News::status(self)
            }
            Review::Lock => {
                self.enter(TemplateStatus::Locked);
                News::status(self)
            }
            Review::Archive => {
                self.enter(TemplateStatus::Archived);
                News::status(self)
            }
            Review::Unarchive => {
                self.enter(TemplateStatus::Approved);
                News::Status { event: "UNARCHIVED", title: None }
            }
            Review::Delete => {
                self.delete(now, faults);
                News::status(self)
            }
        }
    }

    /// Into the category that was announced.
    pub(super) fn recategorize(&mut self, category: String) -> News {
        let previous = std::mem::replace(&mut self.definition.category, category);
        self.previous_category = Some(previous.clone());
        self.correct_category = None;
        self.due.category = None;
        News::CategoryChanged { previous }
    }

    /// Goes, at once or through PENDING_DELETION.
    pub(super) fn delete(&mut self, now: i64, faults: &TemplateFaults) {
        if faults.pending_deletion_seconds == 0 || self.status == TemplateStatus::PendingDeletion {
            self.enter(TemplateStatus::Deleted);
            self.due = super::Due::default();
            self.deleted = Some(now);
        } else {
            self.enter(TemplateStatus::PendingDeletion);
            self.due = super::Due { deletion: Some(now.saturating_add(millis(faults.pending_deletion_seconds))), ..super::Due::default() };
        }
    }

    fn pause(&mut self, now: i64, faults: &TemplateFaults) -> News {
        self.pauses += 1;
        if self.pauses > 2 {
            self.enter(TemplateStatus::Disabled);
            return News::Status { event: "DISABLED", title: Some("DISABLED") };
        }
        self.enter(TemplateStatus::Paused);
        self.due.unpause = Some(now.saturating_add(millis(faults.pause_seconds).saturating_mul(i64::from(self.pauses))));
        News::Status { event: "PAUSED", title: Some(if self.pauses == 1 { "FIRST_PAUSE" } else { "SECOND_PAUSE" }) }
    }

    /// A new status ends what the old one was waiting for.
    pub(super) fn enter(&mut self, status: TemplateStatus) {
        self.status = status;
        self.reason = None;
        self.due.review = None;
        self.due.unpause = None;
    }
}

pub(super) fn millis(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}
