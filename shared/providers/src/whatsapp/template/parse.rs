//! The stored content, and texts with placeholders.

use serde::Deserialize;

use super::CompileError;

#[derive(Deserialize)]
pub(super) struct Content {
    pub(super) name: String,
    pub(super) language: Language,
    #[serde(default, rename = "parameterFormat", alias = "parameter_format")]
    pub(super) parameter_format: Option<ParameterFormat>,
    #[serde(default)]
    pub(super) components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Language {
    Code(String),
    Object { code: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ParameterFormat {
    #[serde(alias = "positional")]
    Positional,
    #[serde(alias = "named")]
    Named,
}

#[derive(Deserialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) format: Option<String>,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) buttons: Vec<Button>,
}

#[derive(Deserialize)]
pub(super) struct Button {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) phone_number: Option<String>,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text as it is.
    Literal(String),
    /// What stands between `{{` and `}}`.
    Placeholder(String),
}

/// Splits a text at its placeholders and checks their names against the format.
pub(super) fn parts(text: &str, format: ParameterFormat) -> Result<Vec<Part>, CompileError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, behind) = after.split_once("}}").ok_or_else(|| CompileError::Placeholder(format!("{{{{{after}")))?;
        let name = inside.trim();
        let fits = match format {
            ParameterFormat::Positional => name.parse::<u8>().is_ok_and(|number| number > 0),
            ParameterFormat::Named => {
                name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                    && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            }
        };
        if !fits {
            return Err(CompileError::Placeholder(format!("{{{{{inside}}}}}")));
        }
        if !before.is_empty() {
            parts.push(Part::Literal(before.to_owned()));
        }
        parts.push(Part::Placeholder(name.trim_start_matches('0').to_owned()));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Ok(parts)
}

/// The distinct placeholders: in order of number, which must run from 1 without a gap, or in order of appearance for names.
pub(super) fn placeholders(parts: &[Part], format: ParameterFormat) -> Result<Vec<String>, CompileError> {
    let mut names: Vec<String> = Vec::new();
    for part in parts {
        if let Part::Placeholder(name) = part
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    if format == ParameterFormat::Positional {
        names.sort_by_key(|name| name.parse::<u8>().unwrap_or(u8::MAX));
        if let Some(gap) = names.iter().zip(1..).find(|(name, number)| **name != i32::to_string(number)) {
            return Err(CompileError::Gap { expected: gap.1 });
        }
    }
    Ok(names)
}
