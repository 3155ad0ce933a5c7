//! Statuses of messages, and messages from people.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::{Event, number, parsed};
use crate::whatsapp::lenient::Text;

/// A new status of a message. Updates repeat and come in any order.
#[derive(Clone, Debug)]
pub struct StatusUpdate<'a> {
    /// The number that sent it.
    pub phone_number_id: Option<Cow<'a, str>>,
    /// The provider's id of the message.
    pub provider_id: Cow<'a, str>,
    /// What happened.
    pub status: DeliveryStatus<'a>,
    /// When, in Unix seconds by the provider's clock.
    pub timestamp: Option<i64>,
    /// Our `biz_opaque_callback_data`.
    pub opaque: Option<Cow<'a, str>>,
    /// Telephone number (digits) or group of the recipient; absent for people known by user id only.
    pub recipient: Option<Cow<'a, str>>,
    /// Business-scoped user id of the recipient.
    pub recipient_user_id: Option<Cow<'a, str>>,
    /// Why it failed.
    pub errors: Vec<StatusError<'a>>,
    /// What it costs, as it came.
    pub pricing: Option<&'a RawValue>,
}

/// The kinds of status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryStatus<'a> {
    /// Left the provider.
    Sent,
    /// Reached a device.
    Delivered,
    /// Was read (`delivered` may never come).
    Read,
    /// A voice note was played.
    Played,
    /// Will not be delivered, as far as the provider knows.
    Failed,
    /// A status this system does not know.
    Unknown(Cow<'a, str>),
}

/// Why a message failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusError<'a> {
    /// Graph error code; see `codes`.
    pub code: Option<i64>,
    /// Short text.
    pub title: Option<Cow<'a, str>>,
    /// Long text.
    pub details: Option<Cow<'a, str>>,
}

/// A message from a person. The content stays raw: its types are many and grow.
#[derive(Clone, Debug)]
pub struct Inbound<'a> {
    /// The number it was sent to.
    pub phone_number_id: Option<Cow<'a, str>>,
    /// The provider's id of the message.
    pub provider_id: Cow<'a, str>,
    /// Telephone number of the sender, digits only; absent for people known by user id only.
    pub from: Option<Cow<'a, str>>,
    /// Business-scoped user id of the sender.
    pub from_user_id: Option<Cow<'a, str>>,
    /// When, in Unix seconds by the provider's clock.
    pub timestamp: Option<i64>,
    /// `text`, `image`, `button`, …
    pub kind: Option<Cow<'a, str>>,
    /// The message as it came.
    pub raw: &'a RawValue,
    /// The senders' profiles in this change, as they came (an array).
    pub contacts: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MessagesValue<'a> {
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contacts: Option<&'a RawValue>,
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default)]
    statuses: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    phone_number_id: Text<'a>,
}

#[derive(Deserialize)]
struct RawStatus<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    biz_opaque_callback_data: Text<'a>,
    #[serde(borrow, default)]
    recipient_id: Text<'a>,
    #[serde(borrow, default)]
    recipient_user_id: Text<'a>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pricing: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawError<'a> {
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    error_data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ErrorData<'a> {
    #[serde(borrow, default)]
    details: Text<'a>,
}

#[derive(Deserialize)]
struct RawMessage<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    from: Text<'a>,
    #[serde(borrow, default)]
    from_user_id: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
}

/// Reads a change of `messages`; what cannot be understood becomes `other`.
pub(super) fn read<'a>(value: &'a RawValue, other: impl Fn(&'a RawValue) -> Event<'a>) -> Vec<Event<'a>> {
    let Ok(content) = serde_json::from_str::<MessagesValue<'a>>(value.get()) else { return vec![other(value)] };
    let phone_number_id = content.metadata.and_then(parsed::<Metadata<'a>>).and_then(|metadata| metadata.phone_number_id.0);
    let mut events = Vec::new();
    for list in [content.statuses, content.messages].into_iter().flatten() {
        let statuses = content.statuses.is_some_and(|statuses| std::ptr::eq(statuses, list));
        match parsed::<Vec<&'a RawValue>>(list) {
            Some(items) if statuses => {
                events.extend(items.into_iter().map(|raw| read_status(phone_number_id.as_ref(), raw).unwrap_or_else(|| other(raw))));
            }
            Some(items) => events.extend(
                items.into_iter().map(|raw| read_message(phone_number_id.as_ref(), content.contacts, raw).unwrap_or_else(|| other(raw))),
            ),
            None => events.push(other(list)),
        }
    }
    // Errors of the app, or something new.
    if events.is_empty() {
        events.push(other(value));
    }
    events
}

fn read_status<'a>(phone_number_id: Option<&Cow<'a, str>>, raw: &'a RawValue) -> Option<Event<'a>> {
    let status: RawStatus<'a> = parsed(raw)?;
    let provider_id = status.id.0.filter(|id| !id.is_empty())?;
    let kind = status.status.0?;
    Some(Event::Status(StatusUpdate {
        phone_number_id: phone_number_id.cloned(),
        provider_id,
        status: match kind.as_ref() {
            "sent" => DeliveryStatus::Sent,
            "delivered" => DeliveryStatus::Delivered,
            "read" => DeliveryStatus::Read,
            "played" => DeliveryStatus::Played,
            "failed" => DeliveryStatus::Failed,
            _ => DeliveryStatus::Unknown(kind),
        },
        timestamp: number(&status.timestamp),
        opaque: status.biz_opaque_callback_data.0,
        recipient: status.recipient_id.0,
        recipient_user_id: status.recipient_user_id.0,
        errors: status.errors.and_then(parsed::<Vec<&'a RawValue>>).unwrap_or_default().into_iter().filter_map(read_error).collect(),
        pricing: status.pricing.filter(|pricing| pricing.get() != "null"),
    }))
}

fn read_error(raw: &RawValue) -> Option<StatusError<'_>> {
    let error: RawError<'_> = parsed(raw)?;
    Some(StatusError {
        code: error.code.0.and_then(|code| code.parse().ok()),
        title: error.title.0.or(error.message.0),
        details: error.error_data.and_then(parsed::<ErrorData<'_>>).and_then(|data| data.details.0),
    })
}

fn read_message<'a>(phone_number_id: Option<&Cow<'a, str>>, contacts: Option<&'a RawValue>, raw: &'a RawValue) -> Option<Event<'a>> {
    let message: RawMessage<'a> = parsed(raw)?;
    Some(Event::Message(Inbound {
        phone_number_id: phone_number_id.cloned(),
        provider_id: message.id.0.filter(|id| !id.is_empty())?,
        from: message.from.0,
        from_user_id: message.from_user_id.0,
        timestamp: number(&message.timestamp),
        kind: message.kind.0,
        raw,
        contacts,
    }))
}
