//! Texts with placeholders, and their samples.

use serde_json::Value;

use super::Place;
use crate::templates::model::ParameterFormat;

/// What a text may be.
pub(super) struct Text<'a> {
    /// Longest, in characters.
    pub(super) longest: usize,
    /// Most variables.
    pub(super) most_variables: usize,
    /// Whether line breaks are forbidden.
    pub(super) one_line: bool,
    /// Where its samples are.
    pub(super) samples: Samples<'a>,
}

/// Samples as the component holds them, with their path in it.
pub(super) enum Samples<'a> {
    /// It has none.
    None,
    /// `["a"]`.
    List(Option<&'a Value>, &'static str),
    /// `[["a", "b"]]`.
    Rows(Option<&'a Value>, &'static str),
    /// `[{ "param_name": "x", "example": "a" }]`.
    Named(Option<&'a Value>, &'static str),
}

/// A text cut at its placeholders.
pub(super) struct Parts<'a> {
    text: &'a str,
    /// Text and placeholder names by turns: `literals[0] names[0] literals[1] …`.
    literals: Vec<&'a str>,
    names: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    /// Cuts a text; a placeholder that is not closed is text.
    pub(super) fn of(text: &'a str) -> Self {
        let (mut literals, mut names) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let Some((name, after)) = behind.split_once("}}") else { break };
            literals.push(before);
            names.push(name.trim());
            rest = after;
        }
        literals.push(rest);
        Self { text, literals, names }
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

    pub(super) fn starts_or_ends_with_variable(&self) -> bool {
        let edges = [self.literals.first(), self.literals.last()];
        !self.names.is_empty() && edges.into_iter().flatten().any(|literal| literal.trim().is_empty())
    }

    pub(super) fn has_adjacent_variables(&self) -> bool {
        let between = self.literals.get(1..self.literals.len() - 1).unwrap_or_default();
        between.iter().any(|literal| literal.trim().is_empty())
    }

    /// Words of the fixed text.
    pub(super) fn words(&self) -> usize {
        self.literals.iter().flat_map(|literal| literal.split_whitespace()).filter(|word| word.contains(char::is_alphanumeric)).count()
    }
}

/// Checks `component.text`. Answers its parts when there are any worth further checks.
pub(super) fn check_text<'a>(at: &mut Place<'_>, component: &'a Value, rule: &Text<'_>) -> Option<Parts<'a>> {
    let Some(text) = component.get("text").and_then(Value::as_str).filter(|text| !text.trim().is_empty()) else {
        at.add("text", "missing", format!("a text of 1 to {} characters", rule.longest));
        return None;
    };
    if text.chars().count() > rule.longest {
        at.add("text", "too-long", format!("at most {} characters", rule.longest));
    }
    if rule.one_line && text.contains(['\n', '\r']) {
        at.add("text", "line-break", "line breaks are not allowed here");
    }
    let parts = Parts::of(text);
    let variables = parts.variables();
    if !check_names(at, "text", &parts, &variables) {
        return None;
    }
    if variables.len() > rule.most_variables {
        at.add(
            "text",
            "too-many-variables",
            match rule.most_variables {
                0 => "variables are not allowed here".to_owned(),
                most => format!("at most {most} variable here"),
            },
        );
        return None;
    }
    check_samples(at, &variables, &rule.samples);
    Some(parts)
}

/// Checks how placeholders are written.
pub(super) fn check_names(at: &mut Place<'_>, field: &str, parts: &Parts<'_>, variables: &[&str]) -> bool {
    // What is left of braces after cutting was opened and not closed, or closed and not opened.
    if parts.literals.iter().any(|literal| literal.contains("{{") || literal.contains("}}")) || parts.text.contains("{{{") {
        at.add(field, "placeholder", "a placeholder is `{{`, a name and `}}`");
        return false;
    }
    match at.content.format {
        ParameterFormat::Positional => {
            let mut numbers: Vec<usize> = variables.iter().filter_map(|name| name.parse().ok()).collect();
            numbers.sort_unstable();
            let plain = numbers.len() == variables.len() && variables.iter().all(|name| !name.starts_with(['0', '+']));
            if !plain || numbers.iter().zip(1..).any(|(number, expected)| *number != expected) {
                at.add(field, "placeholder-order", "positional variables are `{{1}}`, `{{2}}` and so on, without a gap");
                return false;
            }
        }
        ParameterFormat::Named => {
            let fits = |name: &&str| {
                name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                    && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            };
            if !variables.iter().all(fits) {
                at.add(field, "placeholder", "the name of a variable has lower-case letters, digits and underscores");
                return false;
            }
        }
    }
    true
}

fn check_samples(at: &mut Place<'_>, variables: &[&str], samples: &Samples<'_>) {
    if variables.is_empty() {
        return;
    }
    let is_sample = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let count =
        |list: Option<&Value>| list.and_then(Value::as_array).map_or(0, |list| list.iter().filter(|value| is_sample(value)).count());
    let (path, enough) = match samples {
        Samples::None => return,
        Samples::List(list, path) => (path, count(*list) == variables.len()),
        // One row of samples may also stand there without its brackets.
        Samples::Rows(rows, path) => (path, count(rows.and_then(|rows| rows.get(0))).max(count(*rows)) == variables.len()),
        Samples::Named(list, path) => {
            let list = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let has = |name: &&str| {
                list.iter().any(|sample| {
                    sample.get("param_name").and_then(Value::as_str) == Some(*name) && sample.get("example").is_some_and(is_sample)
                })
            };
            (path, variables.iter().all(has))
        }
    };
    if !enough {
        at.add(path, "sample-missing", format!("one sample for each of the {} variables", variables.len()));
    }
}
