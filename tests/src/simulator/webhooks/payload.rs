//! Bodies of webhooks, and their signature.
//!
//! # Source
//! Meta, WhatsApp Cloud API, "Webhooks" (envelope, signature, escapes) and the field `messages` (statuses).

use std::{fmt::Write as _, io::Write as _};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Event, Happening, Message, Status};
use crate::simulator::{error::describe, faults::stable_hash, ledger::write_text};

/// The value of `X-Hub-Signature-256` for a body.
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(body);
    let mut signature = String::with_capacity(7 + 64);
    signature.push_str("sha256=");
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}").expect("a string takes everything");
    }
    signature
}

/// One POST with all these events, those of one number together in one entry.
pub(super) fn body(events: &mut [Event]) -> Vec<u8> {
    // Stable, so that the order within a number stays.
    events.sort_by(|a, b| a.number_id().cmp(b.number_id()));
    let mut out = Vec::with_capacity(200 + events.len() * 640);
    out.extend_from_slice(b"{\"object\":\"whatsapp_business_account\",\"entry\":[");
    let mut open: Option<&str> = None;
    for event in &*events {
        match event {
            Event::Status(happening) => {
                let number = &happening.message.number;
                if open == Some(&number.id) {
                    out.push(b',');
                } else {
                    close(&mut out, open.is_some());
                    separate(&mut out);
                    open = Some(&number.id);
                    out.extend_from_slice(b"{\"id\":");
                    write_text(&mut out, Some(&number.account()));
                    out.extend_from_slice(b",\"changes\":[{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"");
                    out.extend(number.display.bytes().filter(u8::is_ascii_digit));
                    out.extend_from_slice(b"\",\"phone_number_id\":");
                    write_text(&mut out, Some(&number.id));
                    out.extend_from_slice(b"},\"statuses\":[");
                }
                status(&mut out, happening);
            }
            Event::Entry { entry, .. } => {
                close(&mut out, open.take().is_some());
                separate(&mut out);
                serde_json::to_writer(&mut out, entry).expect("a value is always JSON, and a vector takes it");
            }
        }
    }
    close(&mut out, open.is_some());
    out.extend_from_slice(b"]}");
    escape_non_ascii(out)
}

fn close(out: &mut Vec<u8>, open: bool) {
    if open {
        out.extend_from_slice(b"]}}]}");
    }
}

fn separate(out: &mut Vec<u8>) {
    if out.last() == Some(&b'}') {
        out.push(b',');
    }
}

fn status(out: &mut Vec<u8>, happening: &Happening) {
    let Message { wamid, to, opaque_data, category, .. } = &*happening.message;
    let name = match happening.status {
        Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Read => "read",
        Status::Failed(_) => "failed",
    };
    write!(out, "{{\"id\":\"{wamid}\",\"status\":\"{name}\",\"timestamp\":\"{}\"", happening.time_ms.div_euclid(1000))
        .expect("a vector takes everything");
    if let Some(digits) = to.strip_prefix('+') {
        out.extend_from_slice(b",\"recipient_id\":");
        write_text(out, Some(digits));
        if !matches!(happening.status, Status::Failed(_)) {
            write!(out, ",\"recipient_user_id\":\"{}\"", user_id(to)).expect("a vector takes everything");
        }
    } else {
        out.extend_from_slice(b",\"recipient_user_id\":");
        write_text(out, Some(to));
    }
    if opaque_data.is_some() {
        out.extend_from_slice(b",\"biz_opaque_callback_data\":");
        write_text(out, opaque_data.as_deref());
    }
    match happening.status {
        Status::Sent | Status::Delivered => {
            write!(
                out,
                ",\"pricing\":{{\"billable\":true,\"pricing_model\":\"PMP\",\"type\":\"regular\",\"category\":\"{}\"}}",
                category.map_or("service", crate::simulator::templates::Category::billed_as)
            )
            .expect("a vector takes everything");
        }
        Status::Read => {}
        Status::Failed(code) => {
            let title = describe(code).1;
            let errors = json!([{
                "code": code, "title": title, "message": title, "error_data": { "details": title },
                "href": "/documentation/business-messaging/whatsapp/support/error-codes/",
            }]);
            write!(out, ",\"errors\":{errors}").expect("a vector takes everything");
        }
    }
    out.push(b'}');
}

/// The business-scoped user id of a person, made up from the phone.
pub(crate) fn user_id(phone: &str) -> String {
    format!("US.{:016}", stable_hash(phone) % 10_000_000_000_000_000)
}

/// An entry about something that is not a status.
pub(super) fn entry(account: &str, time: Option<i64>, field: &str, value: &Value) -> Value {
    let mut entry = json!({ "id": account, "changes": [{ "field": field, "value": value }] });
    if let Some(time) = time {
        entry["time"] = time.into();
    }
    entry
}

/// Meta writes everything beyond ASCII as `\uXXXX`.
fn escape_non_ascii(body: Vec<u8>) -> Vec<u8> {
    if body.is_ascii() {
        return body;
    }
    let text = String::from_utf8(body).expect("made from strings");
    let mut escaped = String::with_capacity(text.len() * 2);
    let mut units = [0; 2];
    for character in text.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                write!(escaped, "\\u{unit:04x}").expect("a string takes everything");
            }
        }
    }
    escaped.into_bytes()
}
