//! Texts: their length and lines, their placeholders, and the samples of these.

use serde_json::Value;

use super::{
    is_blank,
    place::Place,
    table::{Rule, content as rule},
};
use crate::templates::model::ParameterFormat;

/// What a text may be.
pub(super) struct TextRules {
    pub(super) missing: &'static Rule,
    /// In characters.
    pub(super) length: &'static Rule,
    /// Line breaks: none, or as many as the limit says.
    pub(super) lines: Option<&'static Rule>,
    /// Most variables.
    pub(super) variables: Option<&'static Rule>,
}

/// A text cut at its placeholders: one literal more than names, which stand between them.
pub(super) struct Parts<'a> {
    pub(super) literals: Vec<&'a str>,
    pub(super) names: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    /// Cuts a text; none when braces do not pair up.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        if text.contains("{{{") || text.contains("}}}") {
            return None;
        }
        let (mut literals, mut names) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, after) = behind.split_once("}}")?;
            literals.push(before);
            names.push(name);
            rest = after;
        }
        literals.push(rest);
        literals.iter().all(|literal| !literal.contains("}}")).then_some(Self { literals, names })
    }

    /// Names of the variables, each once, in the order of their first use.
    pub(super) fn variables(&self) -> Vec<&'a str> {
        let mut distinct = Vec::new();
        for name in &self.names {
            if !distinct.contains(name) {
                distinct.push(*name);
            }
        }
        distinct
    }
}

/// Checks a text that has lines and characters, but no meaning of its own here. Answers it when it is there at all.
pub(super) fn check_line<'a>(at: &mut Place<'_>, field: &str, value: Option<&'a Value>, rules: &TextRules) -> Option<&'a str> {
    let Some(text) = value.and_then(Value::as_str).filter(|text| !is_blank(text)) else {
        at.broken(field, rules.missing);
        return None;
    };
    if !rules.length.covers(text.chars().count()) {
        at.broken(field, rules.length);
    }
    if let Some(lines) = rules.lines {
        let most = if lines.most() == usize::MAX { 0 } else { lines.most() };
        if line_breaks(text) > most {
            at.broken(field, lines);
        }
    }
    Some(text)
}

/// Checks the text of a component, the placeholders in it and their samples: rows in `example.<positional>`, or names in `example.<named>`.
/// Answers its parts when they are worth further checks.
pub(super) fn check_text<'a>(at: &mut Place<'_>, component: &'a Value, rules: &TextRules, samples: Option<&Samples>) -> Option<Parts<'a>> {
    let text = check_line(at, "text", component.get("text"), rules)?;
    let format = at.content.format;
    let Some(parts) = Parts::of(text) else {
        at.broken("text", &rule::PLACEHOLDER);
        return None;
    };
    if let Err(broken) = check_names(&parts, format) {
        at.broken("text", broken);
        return None;
    }
    let variables = parts.variables();
    if let Some(most) = rules.variables.filter(|most| !most.covers(variables.len())) {
        at.broken("text", most);
        return None;
    }
    if let Some(samples) = samples.filter(|_| !variables.is_empty()) {
        samples.check(at, component, &variables);
    }
    Some(parts)
}

/// Checks how variables are called.
pub(super) fn check_names(parts: &Parts<'_>, format: ParameterFormat) -> Result<(), &'static Rule> {
    let variables = parts.variables();
    match format {
        ParameterFormat::Positional => {
            let numbers: Option<Vec<usize>> = variables.iter().map(|name| number(name)).collect();
            let mut numbers = numbers.ok_or(&rule::PLACEHOLDER_NUMBER)?;
            numbers.sort_unstable();
            let gapless = numbers.iter().zip(rule::PLACEHOLDER_NUMBER.least()..).all(|(number, expected)| *number == expected);
            if gapless { Ok(()) } else { Err(&rule::PLACEHOLDER_NUMBER) }
        }
        ParameterFormat::Named => {
            let fits = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if !variables.iter().all(fits) {
                return Err(&rule::PLACEHOLDER_NAME);
            }
            if variables.len() < parts.names.len() { Err(&rule::PLACEHOLDER_ONCE) } else { Ok(()) }
        }
    }
}

/// Where a component keeps its samples.
pub(super) struct Samples {
    /// Field of `example` for positional variables.
    pub(super) positional: &'static str,
    /// Whether they lie in a list in a list there.
    pub(super) in_rows: bool,
    /// Field of `example` for named ones.
    pub(super) named: &'static str,
}

impl Samples {
    fn check(&self, at: &mut Place<'_>, component: &Value, variables: &[&str]) {
        let of = |field: &str| component.get("example").and_then(|example| example.get(field));
        let (field, enough) = match at.content.format {
            ParameterFormat::Positional => {
                let list = of(self.positional);
                let list = if self.in_rows { list.and_then(only) } else { list };
                (self.positional, list.and_then(samples).is_some_and(|list| list.len() == variables.len()))
            }
            ParameterFormat::Named => (self.named, of(self.named).and_then(Value::as_array).is_some_and(|list| all_named(list, variables))),
        };
        if !enough {
            at.broken(&format!("example.{field}"), &rule::SAMPLES);
        }
    }
}

/// The texts of a list that holds nothing but texts that are not blank.
pub(super) fn samples(list: &Value) -> Option<Vec<&str>> {
    list.as_array()?.iter().map(|sample| sample.as_str().filter(|text| !is_blank(text))).collect()
}

/// The only entry of a list.
fn only(list: &Value) -> Option<&Value> {
    if let [row] = list.as_array()?.as_slice() { Some(row) } else { None }
}

fn all_named(list: &[Value], variables: &[&str]) -> bool {
    let name = |sample: &Value| super::text_of(sample, "param_name").map(str::to_owned);
    let is_filled = |sample: &Value| super::text_of(sample, "example").is_some_and(|text| !is_blank(text));
    list.len() == variables.len()
        && list.iter().all(is_filled)
        && variables.iter().all(|variable| list.iter().any(|sample| name(sample).as_deref() == Some(*variable)))
}

/// A number as it is written in a placeholder: no sign, no leading zero, no blanks.
fn number(name: &str) -> Option<usize> {
    let plain = !name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit());
    name.parse().ok().filter(|number| plain && rule::PLACEHOLDER_NUMBER.covers(*number))
}

/// Line breaks, however they are written.
fn line_breaks(text: &str) -> usize {
    text.replace("\r\n", "\n").matches(['\n', '\r']).count()
}
