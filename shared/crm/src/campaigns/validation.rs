//! The rules that a campaign must keep before it is stored.

use std::collections::BTreeSet;

use providers::whatsapp::CompiledTemplate;
use serde_json::json;

use super::{
    CampaignError,
    model::{CampaignDraft, ContactField},
    store::LaunchFacts,
};
use crate::fields::FieldErrors;

/// Longest list in an audience.
const MAX_LIST: usize = 10_000;
/// Highest rate a campaign may ask for, messages per second.
const MAX_RATE: u32 = 100_000;

/// Checks a draft against the template and number it names; `facts` is none when one of them does not exist.
pub(super) fn check(draft: &CampaignDraft, facts: Option<&LaunchFacts>) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    let length = draft.name.trim().chars().count();
    if !(1..=200).contains(&length) {
        errors.add("name", "length", "has 1 to 200 characters");
    }
    if !draft.audience.names_somebody() {
        errors.add("audience", "required", "names somebody: all, tags or contactIds");
    }
    let exclude = draft.audience.exclude.clone().unwrap_or_default();
    for (field, length) in [
        ("audience.tags", draft.audience.tags.len()),
        ("audience.contactIds", draft.audience.contact_ids.len()),
        ("audience.exclude.tags", exclude.tags.len()),
        ("audience.exclude.contactIds", exclude.contact_ids.len()),
    ] {
        if length > MAX_LIST {
            errors.add(field, "too-many", format!("has at most {MAX_LIST} entries"));
        }
    }
    if draft.messages_per_second.is_some_and(|rate| !(1..=MAX_RATE).contains(&rate)) {
        errors.add("messagesPerSecond", "range", format!("is 1 to {MAX_RATE}"));
    }
    match facts {
        None => errors.add("templateId", "not-found", "template and channel exist"),
        Some(facts) => variables(draft, facts, &mut errors),
    }
    errors.into_result()
}

fn variables(draft: &CampaignDraft, facts: &LaunchFacts, errors: &mut FieldErrors) {
    if !facts.same_account {
        errors.add("templateId", "other-account", "the template belongs to the channel's WhatsApp account");
    }
    let Ok(names) = variable_names(&content(facts)) else {
        errors.add("templateId", "unusable", "the template can be rendered");
        return;
    };
    for name in names.required.iter().collect::<BTreeSet<_>>() {
        if !draft.variables.contains_key(name) {
            errors.add(format!("variables.{name}"), "required", "the template has this variable");
        }
    }
    for (name, source) in &draft.variables {
        let field = format!("variables.{name}");
        if !names.contains(name) {
            errors.add(&field, "unknown", "the template has no such variable");
        }
        match (&source.field, &source.value) {
            (Some(contact_field), None) if ContactField::parse(contact_field).is_none() => {
                errors.add(format!("{field}.field"), "unknown", "is name, email, phoneNumber, locale or attributes.<name>");
            }
            (Some(_), None) => {}
            (None, Some(value)) if value.trim().is_empty() => errors.add(format!("{field}.value"), "required", "is not blank"),
            (None, Some(_)) if source.fallback.is_none() => {}
            _ => errors.add(field, "source", "has either a field (with an optional fallback) or a value"),
        }
    }
}

/// The template in the form that sending compiles.
pub(super) fn content(facts: &LaunchFacts) -> serde_json::Value {
    json!({
        "name": facts.name,
        "language": facts.language,
        "parameterFormat": facts.parameter_format,
        "components": facts.components,
    })
}

/// Names of a template's variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VariableNames {
    /// Without a value of these nobody gets a message.
    pub(super) required: Vec<String>,
    /// Without a value of these a part of the message is left out.
    pub(super) optional: Vec<String>,
}

impl VariableNames {
    fn contains(&self, name: &str) -> bool {
        self.required.iter().chain(&self.optional).any(|each| each == name)
    }
}

/// Names of a template's variables. Frozen rows keep the values of the required ones in this order, and those of the optional ones behind them.
pub(super) fn variable_names(content: &serde_json::Value) -> Result<VariableNames, CampaignError> {
    let compiled = CompiledTemplate::compile(content).map_err(|error| {
        let mut errors = FieldErrors::default();
        errors.add("templateId", "unusable", error.to_string());
        CampaignError::Invalid(errors)
    })?;
    Ok(VariableNames {
        required: compiled.variable_names().map(str::to_owned).collect(),
        optional: compiled.optional_variable_names().map(str::to_owned).collect(),
    })
}
