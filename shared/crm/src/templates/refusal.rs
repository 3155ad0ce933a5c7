//! The provider's refusals of templates: what to do about each, and which field it blames.

use std::time::Duration;

use providers::whatsapp::{Fate, GraphError, Reaction, Rejection, codes::subcode};
use serde_json::Value;

use super::model::{FieldProblem, Template};

/// Longest reason that is kept, in characters.
const MAX_REASON: usize = 500;
/// Quotas of calls are those of an hour: asking every minute would only use them up.
const QUOTA_WAITS: u32 = 10;
/// A template of this name and language is being deleted, so that the name is not free yet.
///
/// # Source
/// Answers that integrations record.
const NAME_BEING_DELETED: i64 = 2_388_023;

/// What follows from a call that failed.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The provider has a template of this name and language.
    NameTaken,
    /// The account made too many calls: not before this time.
    Later(Duration),
    /// It may be better soon, or may have been done: look and try again.
    Again,
    /// The account or its token is in trouble; in words.
    Trouble(String),
    /// The provider will not have the template like this.
    Refused {
        /// In words.
        reason: String,
        /// At the fields that are blamed.
        problems: Vec<FieldProblem>,
    },
}

/// What follows from `error`, the answer to what was asked about `template`.
pub(super) fn verdict(error: &GraphError, template: &Template) -> Verdict {
    if error.is_name_taken() {
        return Verdict::NameTaken;
    }
    let Some(refusal) = error.refusal() else {
        let again = error.is_retryable() || error.fate() == Fate::Ambiguous;
        return if again { Verdict::Again } else { Verdict::Trouble(reason_of(error)) };
    };
    match refusal.reaction {
        Reaction::RetryLater { seconds } => {
            let wait = Duration::from_secs(u64::from(seconds)) * QUOTA_WAITS;
            Verdict::Later(wait + (wait / 2).mul_f64(rand::random()))
        }
        _ if error.is_retryable() || error.fate() == Fate::Ambiguous => Verdict::Again,
        Reaction::PauseAccount | Reaction::PauseNumber => Verdict::Trouble(reason_of(error)),
        _ => Verdict::Refused { reason: reason_of(error), problems: problems(refusal, template) },
    }
}

/// A failure in words: the provider's own for people where it has some, with its code.
pub(super) fn reason_of(error: &GraphError) -> String {
    let reason = match error.refusal() {
        Some(refusal) => {
            let code = refusal.code.map_or_else(|| format!("HTTP {}", refusal.http_status), |code| code.to_string());
            let title = refusal.user_title.as_deref().unwrap_or(&refusal.title);
            match refusal.user_message.as_deref().or(refusal.details.as_deref()) {
                Some(message) => format!("{code}: {title}: {message}"),
                None => format!("{code}: {title}"),
            }
        }
        None => error.to_string(),
    };
    reason.chars().take(MAX_REASON).collect()
}

/// The fields that a refusal blames; none when that cannot be told.
fn problems(refusal: &Rejection, template: &Template) -> Vec<FieldProblem> {
    let words = refusal.user_message.as_deref().or(refusal.details.as_deref()).unwrap_or(&refusal.title);
    let components = Components(&template.components);
    let blamed = match refusal.subcode {
        Some(subcode::TOO_LONG) => Some((components.named_in(words), "too-long")),
        Some(subcode::HEADER) => Some((components.path("HEADER", None), "header-refused")),
        Some(subcode::BODY) => Some((components.path("BODY", None), "body-refused")),
        Some(subcode::FOOTER_OR_BUTTONS) => Some((components.footer_or_buttons(words), "footer-or-buttons-refused")),
        Some(subcode::TOO_MANY_VARIABLES) => Some((components.path("BODY", Some("text")), "too-many-variables")),
        Some(subcode::VARIABLE_AT_THE_EDGE) => Some((components.path("BODY", Some("text")), "edge-variable")),
        Some(subcode::NAME_TAKEN) => Some(("name".into(), "taken")),
        Some(NAME_BEING_DELETED) => Some(("name".into(), "blocked")),
        Some(subcode::TOO_MANY_TEMPLATES) => Some(("businessAccountId".into(), "too-many-templates")),
        Some(subcode::NOT_EDITABLE) => Some(("status".into(), "not-editable")),
        _ => None,
    };
    let blamed = blamed.or_else(|| {
        let said = [refusal.user_message.as_deref(), refusal.details.as_deref(), Some(refusal.title.as_str())];
        said.into_iter().flatten().find_map(|words| Some((parameter_in(words)?, "refused")))
    });
    blamed.map(|(field, code)| FieldProblem { field, code: code.into(), message: words.to_owned() }).into_iter().collect()
}

/// The parameter that a message names, as the field that clients know.
fn parameter_in(words: &str) -> Option<String> {
    const PARAMETERS: [(&str, &str); 6] = [
        ("message_send_ttl_seconds", "messageSendTtlSeconds"),
        ("parameter_format", "parameterFormat"),
        ("language", "language"),
        ("category", "category"),
        ("components", "components"),
        ("name", "name"),
    ];
    if let Some(path) = path_in(words) {
        return Some(path);
    }
    // `Param name must …`, `Invalid parameter: language`, `The parameter category is required.`
    let mut words = words.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case("param") || word.eq_ignore_ascii_case("parameter") {
            let named = words.next()?;
            return PARAMETERS.into_iter().find(|(parameter, _)| *parameter == named).map(|(_, field)| field.to_owned());
        }
    }
    None
}

/// A path such as `components[1]['buttons'][0]['url']`, as `components[1].buttons[0].url`.
fn path_in(words: &str) -> Option<String> {
    let rest = &words[words.find("components[")?..];
    let end = rest.find(|character: char| !(character.is_ascii_alphanumeric() || "_[]'\".".contains(character))).unwrap_or(rest.len());
    let path = rest[..end].replace(['\'', '"'], "").trim_end_matches('.').to_owned();
    let mut field = String::new();
    for step in path.split(['[', ']', '.']).filter(|step| !step.is_empty()) {
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            field.push('[');
            field.push_str(step);
            field.push(']');
        } else {
            if !field.is_empty() {
                field.push('.');
            }
            field.push_str(step);
        }
    }
    Some(field)
}

/// Finds parts of a template by their kind.
struct Components<'a>(&'a Value);

impl Components<'_> {
    /// The path of the component of a kind, and of a field of it; that of all components when there is none.
    fn path(&self, kind: &str, field: Option<&str>) -> String {
        let place = self.0.as_array().and_then(|components| components.iter().position(|component| component["type"] == kind));
        match (place, field) {
            (Some(place), Some(field)) => format!("components[{place}].{field}"),
            (Some(place), None) => format!("components[{place}]"),
            (None, _) => "components".to_owned(),
        }
    }

    /// The component that a sentence names.
    fn named_in(&self, words: &str) -> String {
        let words = words.to_ascii_lowercase();
        let kinds = [
            ("header", "HEADER"),
            ("footer", "FOOTER"),
            ("button", "BUTTONS"),
            ("body", "BODY"),
            ("card", "CAROUSEL"),
            ("offer", "LIMITED_TIME_OFFER"),
        ];
        let named = kinds.into_iter().filter_map(|(word, kind)| Some((words.find(word)?, kind))).min();
        named.map_or_else(
            || if words.contains("name") { "name".to_owned() } else { "components".to_owned() },
            |(_, kind)| self.path(kind, None),
        )
    }

    fn footer_or_buttons(&self, words: &str) -> String {
        let words = words.to_ascii_lowercase();
        let kind = match (words.contains("footer"), words.contains("button"), self.path("FOOTER", None) == "components") {
            (true, false, _) | (false, false, false) => "FOOTER",
            _ => "BUTTONS",
        };
        self.path(kind, None)
    }
}

#[cfg(test)]
mod tests;
