//! What one change says.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    messages::{self, Inbound, StatusUpdate},
    templates::{self, TemplateCategoryUpdate, TemplateComponentsUpdate, TemplateQualityUpdate, TemplateStatusUpdate},
};
use crate::whatsapp::lenient::Text;

/// One update.
#[derive(Debug)]
pub enum Event<'a> {
    /// A message of ours has a new status.
    Status(StatusUpdate<'a>),
    /// A person wrote to a number.
    Message(Inbound<'a>),
    /// A template was approved, rejected, paused, …
    Template(TemplateStatusUpdate<'a>),
    /// Recipients take a template better or worse.
    TemplateQuality(TemplateQualityUpdate<'a>),
    /// A template has another category, or will have.
    TemplateCategory(TemplateCategoryUpdate<'a>),
    /// The content of a template changed at the provider.
    TemplateComponents(TemplateComponentsUpdate<'a>),
    /// Everything else, also what should be one of the above and cannot be read.
    Other {
        /// The account concerned.
        waba_id: Option<Cow<'a, str>>,
        /// The webhook's field; empty when there was none.
        field: Cow<'a, str>,
        /// What came.
        raw: &'a RawValue,
    },
}

/// What the entry says of all changes in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) waba_id: Option<Cow<'a, str>>,
    /// When the provider made it, in Unix seconds by its clock.
    pub(super) time: Option<i64>,
}

/// Reads one change.
pub(super) fn read<'a>(entry: &Entry<'a>, field: &Cow<'a, str>, value: &'a RawValue) -> Vec<Event<'a>> {
    let other = |raw| Event::Other { waba_id: entry.waba_id.clone(), field: field.clone(), raw };
    let event = match field.as_ref() {
        "messages" => return messages::read(value, other),
        "message_template_status_update" => templates::status(entry, value).map(Event::Template),
        "message_template_quality_update" => templates::quality(entry, value).map(Event::TemplateQuality),
        "template_category_update" => templates::category(entry, value).map(Event::TemplateCategory),
        "message_template_components_update" => templates::components(entry, value).map(Event::TemplateComponents),
        _ => None,
    };
    vec![event.unwrap_or_else(|| other(value))]
}

pub(super) fn parsed<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// An integer, which may come as a string: instants are strings of Unix seconds mostly, integers now and then.
pub(super) fn number(text: &Text<'_>) -> Option<i64> {
    text.0.as_ref().and_then(|text| text.parse().ok())
}
