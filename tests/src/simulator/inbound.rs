//! Customers who write to a number, or want no more marketing.
//!
//! # Source
//! Meta, WhatsApp Cloud API, webhook fields `messages` and `user_preferences`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    faults::{Dice, Purpose, stable_hash},
    numbers::{Number, is_object_id},
    provider::Provider,
    webhooks::user_id,
};

/// What a customer does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Inbound {
    /// The number written to; without one, any number known to the simulator.
    pub phone_number_id: Option<String>,
    /// Phone of the customer, `+` and digits. Without it, `userId` is needed.
    pub from: Option<String>,
    /// Business-scoped user id; made up from the phone when absent.
    pub user_id: Option<String>,
    /// Name in the customer's profile.
    #[serde(alias = "profileName")]
    pub name: Option<String>,
    /// `text` when absent.
    #[serde(rename = "type")]
    pub message_type: Option<String>,
    /// Body of a text: the words, or Meta's object.
    #[serde(alias = "body")]
    pub text: Option<Value>,
    /// Content of another type, as Meta writes it under the key of the type. A minimal one is made up when absent.
    #[serde(alias = "payload")]
    pub content: Option<Value>,
    /// Quoted message: the wamid, or Meta's `context` object.
    pub context: Option<Value>,
    /// Advertisement the customer came from, Meta's object.
    pub referral: Option<Value>,
    /// Id of the message; made up when absent. Giving one twice makes a duplicate.
    #[serde(alias = "id")]
    pub wamid: Option<String>,
    /// When it was written, seconds since 1970; now when absent.
    pub timestamp: Option<i64>,
    /// `true`: the customer wants no more marketing; `false`: wants it again. No message is written then.
    pub opt_out: Option<bool>,
}

/// Why nobody could write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    /// No number given, and none known.
    #[error("`phoneNumberId` is needed: no number was used yet")]
    NoNumber,
    /// Nobody to write.
    #[error("`from` (+ and digits) or `userId` is needed")]
    NoCustomer,
}

/// Tells the callback that a customer did something; the id of the message is returned.
pub(crate) fn write(provider: &Provider, inbound: &Inbound) -> Result<String, InboundError> {
    let number = match inbound.phone_number_id.as_deref() {
        Some(id) if is_object_id(id) => provider.numbers.add(id),
        Some(_) => return Err(InboundError::NoNumber),
        None => provider.numbers.any().ok_or(InboundError::NoNumber)?,
    };
    let digits = inbound.from.as_deref().map(|from| from.chars().filter(char::is_ascii_digit).collect::<String>());
    let digits = digits.filter(|digits| !digits.is_empty());
    let phone = digits.as_ref().map(|digits| format!("+{digits}"));
    let user = inbound.user_id.clone().or_else(|| phone.as_deref().map(user_id)).ok_or(InboundError::NoCustomer)?;
    let customer = phone.as_deref().unwrap_or(&user);
    let nth = provider.counters.inbound.add(1);
    let now = provider.clock.now();
    let wamid = inbound.wamid.clone().unwrap_or_else(|| {
        let unique = format!("{nth}{}", uuid::Uuid::now_v7());
        format!("wamid.HBgM{:016X}{:016X}", stable_hash(&unique), stable_hash(customer))
    });
    let mut value = frame(&number, digits.as_deref(), &user, inbound.name.as_deref());
    let timestamp = inbound.timestamp.unwrap_or(now.timestamp());
    let field = if let Some(stopped) = inbound.opt_out {
        provider.numbers.set_marketing_stopped(&number, customer, stopped);
        let mut preference = json!({
            "user_id": user,
            "detail": if stopped { "User requested to stop marketing messages" } else { "User requested to resume marketing messages" },
            "category": "marketing_messages",
            "value": if stopped { "stop" } else { "resume" },
            "timestamp": timestamp,
        });
        if let Some(digits) = &digits {
            preference["wa_id"] = digits.as_str().into();
        }
        value["user_preferences"] = json!([preference]);
        "user_preferences"
    } else {
        provider.numbers.customer_wrote(&number, customer);
        value["messages"] = json!([message(inbound, digits.as_deref(), &user, &wamid, timestamp, &number)]);
        "messages"
    };
    let faults = provider.faults();
    if provider.webhooks.wanted(&faults.webhook) {
        let dice = Dice::new(faults.seed, nth);
        let duplicates = u64::from(dice.hits(faults.webhook.duplicate_share, Purpose::Duplicate));
        let entry = provider.webhooks.entry(&number.account(), field, &value);
        provider.webhooks.tell(&number.id, &entry, duplicates);
    }
    Ok(wamid)
}

fn frame(number: &Number, digits: Option<&str>, user: &str, name: Option<&str>) -> Value {
    let default_name = format!("Customer {}", &user[user.len().saturating_sub(4)..]);
    let mut contact = json!({ "profile": { "name": name.unwrap_or(&default_name) }, "user_id": user });
    if let Some(digits) = digits {
        contact["wa_id"] = digits.into();
    }
    json!({
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": number.display.chars().filter(char::is_ascii_digit).collect::<String>(),
            "phone_number_id": &*number.id,
        },
        "contacts": [contact],
    })
}

fn message(inbound: &Inbound, digits: Option<&str>, user: &str, wamid: &str, timestamp: i64, number: &Number) -> Value {
    let kind = inbound.message_type.as_deref().unwrap_or("text");
    let mut message = json!({ "from_user_id": user, "id": wamid, "timestamp": timestamp.to_string(), "type": kind });
    if let Some(digits) = digits {
        message["from"] = digits.into();
    }
    message[kind] = match (&inbound.content, &inbound.text) {
        (Some(content), _) => content.clone(),
        (None, Some(Value::String(text))) if kind == "text" => json!({ "body": text }),
        (None, Some(text)) if kind == "text" => text.clone(),
        _ => minimal_content(kind),
    };
    if kind == "unsupported" {
        message["errors"] = json!([{ "code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
            "error_data": { "details": "Message type is currently not supported." } }]);
    }
    match &inbound.context {
        Some(Value::String(quoted)) => {
            let from: String = number.display.chars().filter(char::is_ascii_digit).collect();
            message["context"] = json!({ "from": from, "id": quoted });
        }
        Some(context) => message["context"] = context.clone(),
        None => {}
    }
    if let Some(referral) = &inbound.referral {
        message["referral"] = referral.clone();
    }
    message
}

/// The least that Meta would put under the key of a type.
fn minimal_content(kind: &str) -> Value {
    let media = |mime_type: &str| json!({ "mime_type": mime_type, "sha256": "c2ltdWxhdGVk", "id": "1900000000000001" });
    match kind {
        "text" => json!({ "body": "Hello" }),
        "image" => media("image/jpeg"),
        "video" => media("video/mp4"),
        "audio" => json!({ "mime_type": "audio/ogg; codecs=opus", "sha256": "c2ltdWxhdGVk", "id": "1900000000000001", "voice": true }),
        "document" => json!({ "mime_type": "application/pdf", "sha256": "c2ltdWxhdGVk", "id": "1900000000000001", "filename": "file.pdf" }),
        "sticker" => json!({ "mime_type": "image/webp", "sha256": "c2ltdWxhdGVk", "id": "1900000000000001", "animated": false }),
        "location" => json!({ "latitude": 52.52, "longitude": 13.405 }),
        "contacts" => json!([{ "name": { "formatted_name": "Ada", "first_name": "Ada" }, "phones": [{ "phone": "+49 30 123456" }] }]),
        "button" => json!({ "payload": "yes", "text": "Yes" }),
        "interactive" => json!({ "type": "button_reply", "button_reply": { "id": "yes", "title": "Yes" } }),
        "reaction" => json!({ "message_id": "wamid.unknown", "emoji": "👍" }),
        _ => json!({}),
    }
}
