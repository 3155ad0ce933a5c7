//! Webhooks of the Cloud API: is it genuine, and what does it say.
//!
//! Reading is tolerant. Order of keys does not matter, unknown fields and values are no error, and an update that cannot be understood
//! comes out as [`Event::Other`] without harming its neighbours. Only a body that is no JSON, or not of the envelope's shape, is an error.

mod event;
mod messages;
mod signature;
mod templates;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use self::event::Entry;
use super::lenient::Text;

pub use event::Event;
pub use messages::{DeliveryStatus, Inbound, StatusError, StatusUpdate};
pub use signature::verify_signature;
pub use templates::{
    CategoryChange, TemplateButton, TemplateCategoryUpdate, TemplateComponentsUpdate, TemplateQualityUpdate, TemplateRejection,
    TemplateStatusUpdate,
};

/// A body that is no webhook.
#[derive(Debug, thiserror::Error)]
#[error("the body is no webhook of the Cloud API")]
pub struct WebhookError(#[source] serde_json::Error);

/// A webhook request, read as far as the changes in it. Borrows from the body.
#[derive(Debug)]
pub struct Webhook<'a> {
    changes: Vec<Change<'a>>,
}

/// One change of one account.
#[derive(Debug)]
struct Change<'a> {
    entry: Entry<'a>,
    field: Cow<'a, str>,
    value: &'a RawValue,
}

#[derive(Deserialize)]
struct RawEnvelope<'a> {
    #[serde(borrow, default)]
    entry: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawEntry<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    time: Text<'a>,
    #[serde(borrow, default)]
    changes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawChange<'a> {
    #[serde(borrow, default)]
    field: Text<'a>,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl<'a> Webhook<'a> {
    /// Reads a body. Verify its signature first.
    pub fn parse(body: &'a [u8]) -> Result<Self, WebhookError> {
        let envelope: RawEnvelope<'a> = serde_json::from_slice(body).map_err(WebhookError)?;
        let mut changes = Vec::with_capacity(envelope.entry.len());
        for raw in envelope.entry {
            let Ok(entry) = serde_json::from_str::<RawEntry<'a>>(raw.get()) else {
                changes.push(Change { entry: Entry::default(), field: Cow::Borrowed(""), value: raw });
                continue;
            };
            let about = Entry { waba_id: entry.id.0, time: event::number(&entry.time) };
            for raw in entry.changes {
                let change = match serde_json::from_str::<RawChange<'a>>(raw.get()) {
                    Ok(change) => Change { entry: about.clone(), field: change.field.0.unwrap_or_default(), value: change.value },
                    Err(_) => Change { entry: about.clone(), field: Cow::Borrowed(""), value: raw },
                };
                changes.push(change);
            }
        }
        Ok(Self { changes })
    }

    /// Everything it says, in the order of the body.
    pub fn events(&self) -> impl Iterator<Item = Event<'a>> {
        self.changes.iter().flat_map(|change| event::read(&change.entry, &change.field, change.value))
    }

    /// The statuses of messages only.
    pub fn statuses(&self) -> impl Iterator<Item = StatusUpdate<'a>> {
        self.events().filter_map(|event| match event {
            Event::Status(status) => Some(status),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
