//! The samples that a template brings along for its reviewers, as values of its variables.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{
    CompiledTemplate, Form, Need,
    compile::Found,
    parse::{Button, Component, Content},
};

/// What stands for a one-time or coupon code without a sample.
const CODE: &str = "123456";

impl CompiledTemplate {
    /// A value for each variable that must be given: its sample in `content`, which is what this was compiled from. Where Meta has none
    /// (places, products, instants, codes) something that may stand there: an instant is a day after `now`, a text is the name of its variable.
    pub fn samples(&self, content: &Value, now: DateTime<Utc>) -> BTreeMap<String, String> {
        let mut samples = BTreeMap::new();
        if let Ok(content) = Content::deserialize(content) {
            collect(&content.components, "", &mut samples);
        }
        let required = self.variables.iter().filter(|variable| variable.need == Need::Required);
        required
            .map(|variable| {
                let sample = samples.remove(&variable.name).filter(|sample| {
                    let alone = [(variable.name.as_str(), sample.as_str())];
                    variable.checked(&alone).is_ok()
                });
                (variable.name.clone(), sample.unwrap_or_else(|| stand_in(&variable.name, variable.form, now)))
            })
            .collect()
    }
}

fn stand_in(name: &str, form: Form, now: DateTime<Utc>) -> String {
    match form {
        Form::Code => CODE.to_owned(),
        Form::Latitude | Form::Longitude | Form::Catalog => "0".to_owned(),
        Form::Milliseconds => (now + TimeDelta::days(1)).timestamp_millis().to_string(),
        Form::SectionTitle | Form::Text | Form::UrlSuffix | Form::Media | Form::Token | Form::Product | Form::Products => name.to_owned(),
    }
}

/// `prefix` is empty, or `card.i.`.
fn collect(components: &[Component], prefix: &str, samples: &mut BTreeMap<String, String>) {
    // (What cannot be sorted was not compiled.)
    let Ok(found) = Found::sort(components) else { return };
    if let Some(header) = found.header {
        let prefix = format!("{prefix}header.");
        let kind = header.format.as_deref().unwrap_or("TEXT").to_ascii_lowercase();
        texts(&header.example, "header_text", &prefix, samples);
        if let Some(handle) = header.example["header_handle"][0].as_str() {
            samples.insert(format!("{prefix}{kind}"), handle.to_owned());
        }
    }
    if let Some(body) = found.body {
        texts(&body.example, "body_text", prefix, samples);
    }
    for (index, button) in found.buttons.iter().enumerate() {
        if let Some(sample) = of_button(button) {
            samples.insert(format!("{prefix}button.{index}.1"), sample);
        }
    }
    for (index, card) in found.cards.iter().enumerate() {
        collect(&card.components, &format!("card.{index}."), samples);
    }
}

/// Samples of a text: `["a", "b"]` or `[["a", "b"]]` under `key`, or pairs of name and sample under `key` with `_named_params`.
fn texts(example: &Value, key: &str, prefix: &str, samples: &mut BTreeMap<String, String>) {
    let listed = &example[key];
    let listed = if listed[0].is_array() { &listed[0] } else { listed };
    for (index, sample) in listed.as_array().into_iter().flatten().enumerate() {
        if let Some(sample) = sample.as_str() {
            samples.insert(format!("{prefix}{}", index + 1), sample.to_owned());
        }
    }
    for pair in example[format!("{key}_named_params")].as_array().into_iter().flatten() {
        if let (Some(name), Some(sample)) = (pair["param_name"].as_str(), pair["example"].as_str()) {
            samples.insert(format!("{prefix}{name}"), sample.to_owned());
        }
    }
}

/// The sample of a code, or the end of a link: samples of links may be whole links.
fn of_button(button: &Button) -> Option<String> {
    let sample = button.example.as_str().or_else(|| button.example[0].as_str())?;
    let fixed = button.url.as_deref().and_then(|url| url.split("{{").next()).unwrap_or_default();
    if let Some(end) = sample.strip_prefix(fixed) {
        return Some(end.to_owned());
    }
    let is_link = sample.starts_with("https://") || sample.starts_with("http://");
    let end = if is_link { sample.rsplit(['/', '=', '?', '&', '#']).next()? } else { sample };
    Some(end.to_owned())
}
