//! Puts the request body together from pieces.

use super::{
    Form, Need, Piece, Variable,
    parse::{ParameterFormat, Part},
    preview::PreviewPart,
};
use crate::whatsapp::json::push_escaped;

/// The pieces so far.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) variables: Vec<Variable>,
    pieces: Vec<Piece>,
    literal: Vec<u8>,
}

/// A JSON list that is written only when something stands in it.
pub(super) struct List {
    opening: &'static str,
    started: bool,
}

impl List {
    /// A list that begins with `opening`.
    pub(super) const fn new(opening: &'static str) -> Self {
        Self { opening, started: false }
    }

    /// Begins the next item.
    pub(super) fn item(&mut self, builder: &mut Builder) {
        builder.json(if std::mem::replace(&mut self.started, true) { "," } else { self.opening });
    }

    /// Ends the list.
    pub(super) fn end(self, builder: &mut Builder) {
        if self.started {
            builder.json("]");
        }
    }
}

impl Builder {
    /// JSON as it is.
    pub(super) fn json(&mut self, json: &str) {
        self.literal.extend_from_slice(json.as_bytes());
    }

    /// The inside of a JSON string.
    pub(super) fn escaped(&mut self, text: &str) {
        push_escaped(&mut self.literal, text);
    }

    /// The variable of this name; the same one for the same name.
    pub(super) fn variable(&mut self, name: &str, form: Form, need: Need) -> usize {
        let at = self.variables.iter().position(|variable| variable.name == name);
        at.unwrap_or_else(|| {
            self.variables.push(Variable { name: name.to_owned(), form, need });
            self.variables.len() - 1
        })
    }

    /// The value of a variable that must be given.
    pub(super) fn value(&mut self, variable: usize) {
        self.flush();
        self.pieces.push(Piece::Value(variable));
    }

    /// The value of a variable, or `otherwise`.
    pub(super) fn value_or(&mut self, variable: usize, otherwise: &'static str) {
        self.flush();
        self.pieces.push(Piece::ValueOr { variable, otherwise });
    }

    /// `before`, the value of a variable and `after`; nothing of it without a value.
    pub(super) fn if_given(&mut self, variable: usize, before: &str, after: &str) {
        self.flush();
        self.pieces.push(Piece::IfGiven { variable, before: before.as_bytes().into(), after: after.as_bytes().into() });
    }

    /// One text parameter.
    pub(super) fn text_parameter(&mut self, parameter_name: Option<&str>, variable: usize) {
        self.json(r#"{"type":"text""#);
        if let Some(name) = parameter_name {
            self.json(r#","parameter_name":""#);
            self.escaped(name);
            self.json("\"");
        }
        self.json(r#","text":""#);
        self.value(variable);
        self.json("\"}");
    }

    /// Text parameters for all `names`; the variables are called `prefix` and the name.
    pub(super) fn text_parameters(&mut self, prefix: &str, names: &[String], format: ParameterFormat, form: Form) {
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                self.json(",");
            }
            let variable = self.variable(&format!("{prefix}{name}"), form, Need::Required);
            self.text_parameter((format == ParameterFormat::Named).then_some(name.as_str()), variable);
        }
    }

    /// What the preview shows of a text whose placeholders are variables called `prefix` and their name.
    pub(super) fn preview(&self, parts: &[Part], prefix: &str) -> Vec<PreviewPart> {
        let variable = |name: &str| {
            let name = format!("{prefix}{name}");
            self.variables.iter().position(|variable| variable.name == name).expect("every placeholder was made a variable")
        };
        parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => PreviewPart::Literal(text.clone()),
                Part::Placeholder(name) => PreviewPart::Variable(variable(name)),
            })
            .collect()
    }

    /// Variables and pieces.
    pub(super) fn finish(mut self) -> (Vec<Variable>, Vec<Piece>) {
        self.flush();
        (self.variables, self.pieces)
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Literal(std::mem::take(&mut self.literal).into()));
        }
    }
}
