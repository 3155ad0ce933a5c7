//! Where in the input we are, and which rules were found broken.

use std::fmt;

use super::{Content, table::Rule};

/// Broken rules that are told; whoever breaks more has enough to do.
const MOST_TOLD: usize = 100;

/// A rule that a field breaks.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) field: String,
    pub(super) rule: &'static Rule,
}

#[derive(Debug, Default)]
pub(super) struct Found(Vec<Broken>);

impl Found {
    pub(super) fn into_inner(self) -> Vec<Broken> {
        self.0
    }
}

/// A place in a template.
pub(super) struct Place<'a> {
    found: &'a mut Found,
    path: String,
    pub(super) content: Content<'a>,
}

impl<'a> Place<'a> {
    pub(super) fn top(found: &'a mut Found, content: Content<'a>) -> Self {
        Self { found, path: String::new(), content }
    }

    /// A place further in.
    pub(super) fn inside(&mut self, step: fmt::Arguments<'_>) -> Place<'_> {
        let path = if self.path.is_empty() { step.to_string() } else { format!("{}.{step}", self.path) };
        Place { found: self.found, path, content: self.content }
    }

    /// Notes that a field of this place breaks a rule.
    pub(super) fn broken(&mut self, field: &str, rule: &'static Rule) {
        if self.found.0.len() < MOST_TOLD {
            let field = if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) };
            self.found.0.push(Broken { field, rule });
        }
    }

    /// Whether no rule was found broken so far, anywhere.
    pub(super) fn is_unbroken(&self) -> bool {
        self.found.0.is_empty()
    }
}
