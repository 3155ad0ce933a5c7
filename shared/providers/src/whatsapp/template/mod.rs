//! Message templates: compiled once for a campaign, rendered once for each recipient.
//!
//! The input is the stored content, `{ "name", "language", "parameterFormat": "POSITIONAL" | "NAMED", "components": [Meta's creation form] }`;
//! the output is the body of a send request, in Meta's send form.
//!
//! # Names of variables
//!
//! Meta numbers the variables of each component from 1, so the component is part of our names:
//!
//! | where | positional | named |
//! |---|---|---|
//! | body | `1`, `2`, … | `first_name` |
//! | text header | `header.1` | `header.first_name` |
//! | media header | `header.image`, `header.video`, `header.document` (an http or https link, or the id of uploaded media) | the same |
//! | link of the button at index *i* | `button.i.1` (the end of the link; what a URL cannot hold is percent-encoded) | the same: Meta has no names there |
//! | coupon code of the button at index *i* | `button.i.1` | the same |
//! | one-time code (authentication) | `1`, for body and button | `1`, for body and button |

mod compile;
mod parse;
mod preview;
mod render;

use std::collections::{BTreeMap, HashMap};

pub use compile::CompileError;
pub use preview::{RenderedButton, RenderedHeader, RenderedText};
pub use render::RenderError;

/// A template ready for rendering. Making it takes microseconds, rendering a fraction of one: compile once for each campaign.
#[derive(Clone, Debug)]
pub struct CompiledTemplate {
    name: String,
    language: String,
    variables: Vec<Variable>,
    /// The request body between the recipient and our opaque data.
    pieces: Vec<Piece>,
    preview: preview::Preview,
}

/// A variable and what its value must be.
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Running text.
    Text,
    /// The end of a link.
    UrlSuffix,
    /// A coupon or one-time code.
    Code,
    /// A link to media, or the id of uploaded media.
    Media,
}

#[derive(Clone, Debug)]
enum Piece {
    /// JSON as it is.
    Literal(Box<[u8]>),
    /// The value of a variable, escaped; the index of it.
    Value(usize),
}

impl CompiledTemplate {
    /// Name of the template at the provider.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Language code of the template at the provider.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Names of the variables it needs, each once: header, body, buttons.
    pub fn variable_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.variables.iter().map(|variable| variable.name.as_str())
    }
}

/// Where the values of variables come from.
pub trait Variables {
    /// The value of `name`, or none.
    fn value(&self, name: &str) -> Option<&str>;
}

impl<K: AsRef<str>, V: AsRef<str>> Variables for [(K, V)] {
    fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| key.as_ref() == name).map(|(_, value)| value.as_ref())
    }
}

impl<K: AsRef<str>, V: AsRef<str>, const N: usize> Variables for [(K, V); N] {
    fn value(&self, name: &str) -> Option<&str> {
        self.as_slice().value(name)
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Variables for Vec<(K, V)> {
    fn value(&self, name: &str) -> Option<&str> {
        self.as_slice().value(name)
    }
}

impl<S: std::hash::BuildHasher> Variables for HashMap<String, String, S> {
    fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

impl Variables for BTreeMap<String, String> {
    fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

/// Only texts count: a number in the object is no value.
impl Variables for serde_json::Map<String, serde_json::Value> {
    fn value(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(serde_json::Value::as_str)
    }
}

/// An object of texts; everything else has no values.
impl Variables for serde_json::Value {
    fn value(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::as_str)
    }
}

#[cfg(test)]
mod tests;
