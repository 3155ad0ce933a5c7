//! What a body says, as far as the fold needs it: owned, bounded, and safe to hand to PostgreSQL.

mod templates;

use std::{borrow::Cow, collections::BTreeSet, panic::AssertUnwindSafe};

use chrono::{DateTime, Datelike, Utc};
use kernel::AttemptId;
use providers::whatsapp::webhook::{DeliveryStatus, Event, StatusUpdate, Webhook};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::evidence::{Happened, Status};
use crate::templates::news::Told;

/// Longest id or name that is kept, in characters. The provider's are far shorter.
const LONGEST_NAME: usize = 512;
/// Longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// News of templates; one that is not read as such is not understood.
const TEMPLATE_FIELDS: [&str; 4] =
    ["message_template_status_update", "message_template_quality_update", "message_template_components_update", "template_category_update"];

/// What a body says.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The provider's word for what the first update is about.
    pub(super) field: Option<String>,
    pub(super) statuses: Vec<StatusRead>,
    pub(super) templates: Vec<TemplateRead>,
    /// Numbers that it names.
    pub(super) numbers: BTreeSet<String>,
    /// Accounts of updates that name no number.
    pub(super) accounts: BTreeSet<String>,
    /// Whether it holds parts that are not understood.
    pub(super) partly: bool,
}

/// A status and whom it is about.
#[derive(Debug)]
pub(super) struct StatusRead {
    pub(super) phone_number_id: String,
    /// Our id of the attempt, if it came with one.
    pub(super) id: Option<AttemptId>,
    pub(super) status: Status,
}

/// What is told of a template.
#[derive(Debug)]
pub(super) struct TemplateRead {
    pub(super) business_account_id: String,
    pub(super) provider_id: String,
    pub(super) name: Option<String>,
    pub(super) language: Option<String>,
    /// When the provider said it.
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) told: Told,
}

/// Reads a body; `received_at` stands in for instants that make no sense. Answers why it cannot be read, even when reading it panics.
pub(super) fn read(body: &[u8], received_at: DateTime<Utc>) -> Result<Reading, String> {
    std::panic::catch_unwind(AssertUnwindSafe(|| understand(body, received_at)))
        .unwrap_or_else(|_| Err("reading it failed: a fault of this software".into()))
}

fn understand(body: &[u8], received_at: DateTime<Utc>) -> Result<Reading, String> {
    let webhook = Webhook::parse(body).map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => kept(&format!("{error}: {cause}"), LONGEST_REASON),
        None => error.to_string(),
    })?;
    let mut reading = Reading::default();
    let mut understood = false;
    for event in webhook.events() {
        let (field, ok) = match event {
            Event::Status(update) => ("messages".into(), reading.status(&update, received_at)),
            Event::Message(message) => ("messages".into(), reading.number(message.phone_number_id.as_ref()).is_some()),
            Event::Template(update) => (TEMPLATE_FIELDS[0].into(), reading.template_status(&update)),
            Event::TemplateQuality(update) => (TEMPLATE_FIELDS[1].into(), reading.template_quality(&update)),
            Event::TemplateComponents(update) => (TEMPLATE_FIELDS[2].into(), reading.template_components(&update)),
            Event::TemplateCategory(update) => (TEMPLATE_FIELDS[3].into(), reading.template_category(&update)),
            Event::Other { waba_id, field, raw } => {
                let ok = match field.as_ref() {
                    "" => false,
                    "messages" => tells_errors(raw.get()),
                    field if TEMPLATE_FIELDS.contains(&field) => false,
                    _ => true,
                };
                if ok && let Some(account) = waba_id {
                    reading.accounts.insert(kept(&account, LONGEST_NAME));
                }
                (field, ok)
            }
        };
        if reading.field.is_none() && !field.is_empty() {
            reading.field = Some(kept(&field, LONGEST_NAME));
        }
        understood |= ok;
        reading.partly |= !ok;
    }
    if understood { Ok(reading) } else { Err("there is no update in it that can be understood".into()) }
}

impl Reading {
    fn number(&mut self, number: Option<&Cow<'_, str>>) -> Option<String> {
        let number = kept(number?, LONGEST_NAME);
        if !self.numbers.contains(&number) {
            self.numbers.insert(number.clone());
        }
        Some(number)
    }

    fn status(&mut self, update: &StatusUpdate<'_>, received_at: DateTime<Utc>) -> bool {
        let Some(phone_number_id) = self.number(update.phone_number_id.as_ref()) else { return false };
        let happened = match update.status {
            DeliveryStatus::Sent => Happened::Sent,
            DeliveryStatus::Failed => Happened::Failed,
            DeliveryStatus::Delivered => Happened::Delivered,
            DeliveryStatus::Read | DeliveryStatus::Played => Happened::Read,
            // Understood enough to know that it changes nothing.
            DeliveryStatus::Unknown(_) => return true,
        };
        let error = update.errors.first();
        self.statuses.push(StatusRead {
            phone_number_id,
            id: update.opaque.as_deref().and_then(AttemptId::decode),
            status: Status {
                happened,
                at: instant(update.timestamp).unwrap_or(received_at),
                provider_id: kept(&update.provider_id, LONGEST_NAME),
                error_code: error.and_then(|error| i32::try_from(error.code?).ok()),
                reason: error.and_then(|error| error.details.as_ref().or(error.title.as_ref())).map(|text| kept(text, LONGEST_REASON)),
            },
        });
        true
    }
}

/// Instants between 2009 and 2200 are taken as they are; others are mistakes, and PostgreSQL could not hold all of them.
fn instant(seconds: Option<i64>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds?, 0).filter(|at| (2009..2200).contains(&at.year()))
}

/// A text without the NUL that PostgreSQL cannot hold, and not longer than `longest` characters.
fn kept(text: &str, longest: usize) -> String {
    text.chars().filter(|&character| character != '\0').take(longest).collect()
}

/// Whether a `messages` update without statuses and messages tells of errors of the app: then there is nothing to apply.
fn tells_errors(raw: &str) -> bool {
    #[derive(Deserialize)]
    struct Errors {
        #[serde(rename = "errors")]
        _errors: IgnoredAny,
    }
    serde_json::from_str::<Errors>(raw).is_ok()
}

/// Numbers named somewhere in bytes that cannot be read: tells whose dead letter it is.
pub(super) fn numbers_in(body: &[u8]) -> BTreeSet<String> {
    const KEY: &[u8] = b"\"phone_number_id\"";
    let mut numbers = BTreeSet::new();
    let mut rest = body;
    while let Some(place) = rest.windows(KEY.len()).position(|window| window == KEY) {
        rest = &rest[place + KEY.len()..];
        let digits: Vec<u8> = rest
            .iter()
            .copied()
            .skip_while(|byte| byte.is_ascii_whitespace() || *byte == b':' || *byte == b'"')
            .take_while(u8::is_ascii_digit)
            .take(33)
            .collect();
        if let Ok(number) = String::from_utf8(digits)
            && (1..=32).contains(&number.len())
        {
            numbers.insert(number);
        }
    }
    numbers
}
