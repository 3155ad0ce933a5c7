//! What is wrong with the settings, for the person who set them.

use std::fmt;

use figment::{Error, Metadata, error::Kind};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The setting, such as `api.port`; empty when a file cannot be read at all.
    pub setting: String,
    /// Where the value came from, such as `environment variable HELIOGRAPH_API__PORT`.
    pub origin: String,
    /// What is wrong. Never shows the value, which may be a secret.
    pub reason: String,
}

impl ConfigProblem {
    pub(super) fn new(setting: impl Into<String>, origin: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { setting: setting.into(), origin: origin.into(), reason: reason.into() }
    }
}

/// The settings cannot be used. Its text lists every fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<ConfigProblem>);

impl ConfigError {
    pub(super) fn new(problems: Vec<ConfigProblem>) -> Self {
        Self(problems)
    }

    /// The faults, in no particular order.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.0
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used")?;
        for ConfigProblem { setting, origin, reason } in &self.0 {
            if setting.is_empty() {
                write!(f, "\n  {origin}: {reason}")?;
            } else {
                write!(f, "\n  `{setting}` ({origin}): {reason}")?;
            }
        }
        Ok(())
    }
}

impl From<Error> for ConfigError {
    fn from(error: Error) -> Self {
        Self(error.into_iter().map(problem).collect())
    }
}

fn problem(error: Error) -> ConfigProblem {
    let mut path = error.path;
    let reason = match error.kind {
        Kind::UnknownField(field, known) => {
            // The path already ends with the field when the value itself is what was refused.
            if path.last() != Some(&field) {
                path.push(field);
            }
            format!("no such setting; known here: {}", known.join(", "))
        }
        Kind::UnknownVariant(_, known) => format!("must be one of {}", known.join(", ")),
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("must be {expected}"),
        Kind::InvalidLength(_, expected) => format!("must have {expected}"),
        Kind::Message(_) if !path.is_empty() => "has a form that does not fit".to_owned(),
        other => other.to_string(),
    };
    let origin = error.metadata.as_ref().map_or_else(|| "origin unknown".to_owned(), origin);
    ConfigProblem::new(path.join("."), origin, reason)
}

/// How the place a value came from is called.
pub(super) fn origin(metadata: &Metadata) -> String {
    match metadata.source.as_ref().and_then(figment::Source::file_path) {
        Some(path) => format!("file {}", path.display()),
        None => metadata.name.to_string(),
    }
}
