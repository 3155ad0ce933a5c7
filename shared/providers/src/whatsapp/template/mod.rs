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
//! | location header | `header.location.latitude`, `header.location.longitude`; optional `header.location.name`, `header.location.address` | the same |
//! | offer that ends | `limited_time_offer.expiration_time_ms` (milliseconds since 1970) | the same |
//! | link of the button at index *i* | `button.i.1` (the end of the link; what a URL cannot hold is percent-encoded) | the same: Meta has no names there |
//! | coupon code of the button at index *i* | `button.i.1` | the same |
//! | flow | optional `button.i.flow_token` | the same |
//! | catalog | optional `button.i.thumbnail_product_retailer_id` | the same |
//! | several products | `button.i.thumbnail_product_retailer_id`, `button.i.section_title`, `button.i.product_retailer_ids` (with commas between them) | the same |
//! | card at index *c* | the same names behind `card.c.`: `card.c.1`, `card.c.header.image`, `card.c.button.i.1`, … | the same: `card.c.first_name`, … |
//! | product header | `header.product_retailer_id`, `header.catalog_id`, in cards behind `card.c.` | the same |
//! | one-time code (authentication) | `1`, for body and button | `1`, for body and button |
//!
//! A value that is blank counts as none where the variable is optional, and is an error where it is not.

mod build;
mod buttons;
mod compile;
mod parse;
mod preview;
mod render;
mod samples;
mod values;

use std::collections::{BTreeMap, HashMap};

pub use compile::CompileError;
pub use preview::{FormattedCard, FormattedText, RenderedButton, RenderedCard, RenderedHeader, RenderedOffer, RenderedText};
pub use values::RenderError;

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
    need: Need,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Without a value there is no message.
    Required,
    /// Without a value a part of the message is left out, or has its default.
    Optional,
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
    /// Degrees north.
    Latitude,
    /// Degrees east.
    Longitude,
    /// An instant, in milliseconds since 1970.
    Milliseconds,
    /// Our own mark of a flow.
    Token,
    /// The id of a product in its catalog.
    Product,
    /// Ids of products, with commas between them.
    Products,
    /// The id of a catalog.
    Catalog,
    /// What stands above a section of products.
    SectionTitle,
}

#[derive(Clone, Debug)]
enum Piece {
    /// JSON as it is.
    Literal(Box<[u8]>),
    /// The value of a variable, escaped; the index of it.
    Value(usize),
    /// The value of an optional variable, or this.
    ValueOr { variable: usize, otherwise: &'static str },
    /// JSON around the value of an optional variable; nothing without one.
    IfGiven { variable: usize, before: Box<[u8]>, after: Box<[u8]> },
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

    /// Names of the variables that must be given, each once: header, body, offer, cards, buttons.
    pub fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.names(Need::Required)
    }

    /// Names of the variables that may be given.
    pub fn optional_variable_names(&self) -> impl Iterator<Item = &str> {
        self.names(Need::Optional)
    }

    /// All names in the order in which frozen rows of campaigns keep their values: those that must be given come first.
    pub fn frozen_variable_names(&self) -> impl Iterator<Item = &str> {
        self.variable_names().chain(self.optional_variable_names())
    }

    fn names(&self, need: Need) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(move |variable| variable.need == need).map(|variable| variable.name.as_str())
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
