//! Which news are taken over, and which only say that the template has to be read. Pure.
//!
//! The provider delivers webhooks late, repeatedly and in any order, and its clock is not ours. What it says of a status is therefore believed
//! at once when it is newer than what it said before, and fresh. In doubt the template is read: that is always right, and takes a moment.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::{Told, reason_of};
use crate::templates::model::{Category, Template, status};

/// News that are older on arrival are not believed unread. A clock of ours that is ahead by more makes all news seem so.
const LATE: TimeDelta = TimeDelta::minutes(1);
/// How long after a look news are confirmed: a clock of ours that is behind may let older ones seem newer than the look.
const AFTER_LOOK: TimeDelta = TimeDelta::minutes(2);

/// Words of the provider that say where a template stands. Others say that something happened.
const STATUSES: [&str; 10] = [
    status::APPROVED,
    status::PENDING,
    status::IN_APPEAL,
    status::REJECTED,
    status::PAUSED,
    status::DISABLED,
    status::PENDING_DELETION,
    status::DELETED,
    "LIMIT_EXCEEDED",
    "ARCHIVED",
];

/// What to do with news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are new.
    Apply,
    /// They are new, and do not say all: believe them, and read the template at once.
    ApplyAndRead,
    /// They are probably new: believe them, and read the template a moment later.
    ApplyAndConfirm,
    /// They may be outdated, or say too little: read the template.
    Ask,
    /// They are nothing to this template.
    Ignore,
}

/// Judges news of `template` that came at `now`.
pub(super) fn judge(template: &Template, told: &Told, at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Verdict {
    match (template.status.as_str(), told) {
        (status::DELETING, Told::Status { status, .. }) if status.eq_ignore_ascii_case(status::DELETED) => Verdict::Apply,
        // What was said of the former content is nothing to a draft; a draft that the provider never had is not meant at all. What is being
        // taken there is read by the job that does so.
        (status::DRAFT | status::DELETED | status::DELETING, _) | (status::SUBMITTING, Told::Content) => Verdict::Ignore,
        (_, Told::Status { status, reason, .. }) => {
            judge_status(template, &status.to_ascii_uppercase(), reason.as_deref(), Instants { at, now })
        }
        (_, Told::Content) => Verdict::Ask,
        (_, _) if is_late(at, now) => Verdict::Ask,
        (_, Told::Quality { .. }) => Verdict::Apply,
        (_, Told::CategoryAnnounced { category, .. }) => match Category::from_word(&category.to_ascii_uppercase()) {
            Some(category) if category == template.category => Verdict::Ignore,
            Some(_) => Verdict::Apply,
            None => Verdict::Ask,
        },
        (_, Told::CategoryChanged { category }) => match Category::from_word(&category.to_ascii_uppercase()) {
            Some(category) if category == template.category => Verdict::Ignore,
            // Campaigns stop at once; two changes in the wrong order are told apart by reading.
            Some(_) => Verdict::ApplyAndConfirm,
            None => Verdict::Ask,
        },
    }
}

#[derive(Clone, Copy)]
struct Instants {
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

fn judge_status(template: &Template, told: &str, reason: Option<&str>, instants: Instants) -> Verdict {
    let Instants { at, now } = instants;
    if !STATUSES.contains(&told) {
        return Verdict::Ask;
    }
    let waits_for_verdict = template.is_under_review() || template.status == status::SUBMITTING;
    // A review begins before it ends.
    let begins_review = matches!(told, status::PENDING | status::IN_APPEAL) && !waits_for_verdict;
    let is_repeated = told == template.status && reason_of(reason) == template.reason;
    let Some(at) = at else {
        return match () {
            () if is_repeated => Verdict::Ignore,
            () if begins_review => Verdict::Ask,
            () if waits_for_verdict => Verdict::Apply,
            () if template.status == status::APPROVED => Verdict::ApplyAndConfirm,
            () => Verdict::Ask,
        };
    };
    // The provider's instants are whole seconds.
    let submitted = template.submitted_at.map(|instant| instant.trunc_subsecs(0));
    if submitted.is_some_and(|submitted| at < submitted) || template.status_at.is_some_and(|newest| at < newest) {
        // Of a submission that is under way, the job that submits tells; of the template before, nobody has to know any more.
        return if template.status == status::SUBMITTING || is_repeated { Verdict::Ignore } else { Verdict::Ask };
    }
    if is_repeated {
        return Verdict::Apply;
    }
    if is_late(Some(at), now) {
        return Verdict::Ask;
    }
    if template.status_at == Some(at) {
        return if begins_review { Verdict::Ask } else { Verdict::ApplyAndConfirm };
    }
    let looked = template.checked_at.map(|instant| instant.trunc_subsecs(0));
    match looked {
        Some(looked) if at <= looked && !waits_for_verdict => Verdict::Ask,
        Some(looked) if now - looked < AFTER_LOOK => Verdict::ApplyAndConfirm,
        // Somebody changed its content there.
        _ if begins_review => Verdict::ApplyAndRead,
        _ => Verdict::Apply,
    }
}

fn is_late(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    at.is_some_and(|at| now - at > LATE)
}

#[cfg(test)]
mod tests;
