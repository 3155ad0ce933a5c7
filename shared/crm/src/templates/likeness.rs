//! Whether a template of the provider says what one of ours says.
//!
//! Everything that a recipient sees or can tap counts. Not compared is what the provider changes in what it lists: samples (those of media come back
//! as links), the texts of templates for codes and the labels that it sets itself, the order of components, letter case of its own words, line ends,
//! and fields that it adds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A part of a template: what has to agree, and what has to agree only where both sides tell it.
#[derive(Debug, Default, PartialEq)]
struct Part {
    hard: BTreeMap<&'static str, Value>,
    soft: BTreeMap<&'static str, Value>,
    inner: Vec<Part>,
}

/// Whether both components say the same.
pub(super) fn says_the_same(ours: &Value, theirs: &Value) -> bool {
    alike(&parts(ours), &parts(theirs))
}

fn alike(ours: &[Part], theirs: &[Part]) -> bool {
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| ours.is_like(theirs))
}

impl Part {
    fn of(kind: &'static str) -> Self {
        Self { hard: BTreeMap::from([("type", json!(kind))]), ..Self::default() }
    }

    fn is_like(&self, other: &Self) -> bool {
        let told_alike = |(key, value): (&&'static str, &Value)| other.soft.get(key).is_none_or(|other| other == value);
        self.hard == other.hard && self.soft.iter().all(told_alike) && alike(&self.inner, &other.inner)
    }

    fn hard(&mut self, key: &'static str, value: Value) -> &mut Self {
        self.hard.insert(key, value);
        self
    }

    /// Takes a field over that one side may leave out.
    fn soft(&mut self, key: &'static str, from: &Value) -> &mut Self {
        if let Some(value) = from.get(key).filter(|value| !value.is_null()) {
            // Numbers come as texts now and then.
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.soft.insert(key, json!(value));
        }
        self
    }
}

/// The components in one order.
fn parts(components: &Value) -> Vec<Part> {
    let empty = Vec::new();
    let components = components.as_array().unwrap_or(&empty);
    let is_for_codes = components.iter().flat_map(buttons).any(|button| one_time_code(button).is_some());
    let mut parts: Vec<(usize, Part)> = components.iter().map(|component| part(component, is_for_codes)).collect();
    parts.sort_by_key(|(place, _)| *place);
    parts.into_iter().map(|(_, part)| part).collect()
}

/// A component, with its place in that order.
fn part(component: &Value, is_for_codes: bool) -> (usize, Part) {
    match word(component, "type").as_str() {
        "HEADER" => (0, header(component)),
        "LIMITED_TIME_OFFER" => (1, offer(component)),
        "BODY" => (2, body(component, is_for_codes)),
        "FOOTER" => (3, footer(component, is_for_codes)),
        "BUTTONS" => (4, Part { inner: buttons(component).map(button).collect(), ..Part::of("BUTTONS") }),
        "CAROUSEL" => {
            let cards = component.get("cards").and_then(Value::as_array).into_iter().flatten();
            let inner = cards.map(|card| Part { inner: parts(&card["components"]), ..Part::of("CARD") }).collect();
            (5, Part { inner, ..Part::of("CAROUSEL") })
        }
        "CALL_PERMISSION_REQUEST" => (6, Part::of("CALL_PERMISSION_REQUEST")),
        // What we do not know we cannot have submitted, so it makes a difference.
        other => (6, Part { hard: BTreeMap::from([("type", json!(other))]), ..Part::default() }),
    }
}

fn header(component: &Value) -> Part {
    let mut part = Part::of("HEADER");
    let format = Some(word(component, "format")).filter(|format| !format.is_empty()).unwrap_or_else(|| "TEXT".to_owned());
    if format == "TEXT" {
        part.hard("text", text(component, "text"));
    }
    part.hard("format", json!(format));
    part
}

fn offer(component: &Value) -> Part {
    let mut part = Part::of("LIMITED_TIME_OFFER");
    let offer = &component["limited_time_offer"];
    part.hard("text", text(offer, "text"));
    part.hard("has_expiration", json!(offer["has_expiration"].as_bool().unwrap_or_default()));
    part
}

fn body(component: &Value, is_for_codes: bool) -> Part {
    let mut part = Part::of("BODY");
    if is_for_codes {
        let told = component.get("add_security_recommendation").and_then(Value::as_bool);
        // A listing may tell it by the text alone; ours has none.
        let advice = told.or_else(|| component.get("text").is_none().then_some(false));
        part.soft.extend(advice.map(|advice| ("add_security_recommendation", json!(advice))));
    } else {
        part.hard("text", text(component, "text"));
    }
    part
}

fn footer(component: &Value, is_for_codes: bool) -> Part {
    let mut part = Part::of("FOOTER");
    if is_for_codes {
        part.soft("code_expiration_minutes", component);
    } else {
        part.hard("text", text(component, "text"));
    }
    part
}

fn buttons(component: &Value) -> impl Iterator<Item = &Value> {
    component.get("buttons").and_then(Value::as_array).into_iter().flatten()
}

fn button(button: &Value) -> Part {
    if let Some(kind) = one_time_code(button) {
        let mut part = Part::of("OTP");
        part.hard("otp_type", json!(kind));
        if button.get("otp_type").is_some() {
            part.soft("text", button).soft("autofill_text", button);
            if let Some(apps) = button.get("supported_apps").and_then(Value::as_array) {
                let apps = apps.iter().map(|app| json!([text(app, "package_name"), text(app, "signature_hash")])).collect();
                part.soft.insert("supported_apps", Value::Array(apps));
            }
        }
        return part;
    }
    let kind = word(button, "type");
    let mut part = Part { hard: BTreeMap::from([("type", json!(kind))]), ..Part::default() };
    match kind.as_str() {
        // Their labels are the provider's.
        "COPY_CODE" | "REQUEST_CONTACT_INFO" => {}
        _ => {
            part.hard("text", text(button, "text"));
        }
    }
    match kind.as_str() {
        "URL" => {
            part.hard("url", text(button, "url"));
        }
        "PHONE_NUMBER" => {
            let digits: String = button["phone_number"].as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
            part.hard("phone_number", json!(digits));
        }
        "FLOW" => {
            let action = Some(word(button, "flow_action")).filter(|action| !action.is_empty()).unwrap_or_else(|| "NAVIGATE".to_owned());
            part.hard("flow_action", json!(action));
            part.soft("flow_id", button).soft("flow_name", button).soft("navigate_screen", button);
        }
        "VOICE_CALL" => {
            part.soft("ttl_minutes", button);
        }
        _ => {}
    }
    part
}

/// How a one-time code is handed over, if the button does that. Listings show such buttons as links that tell it.
fn one_time_code(button: &Value) -> Option<String> {
    match word(button, "type").as_str() {
        "OTP" => Some(word(button, "otp_type")),
        "URL" => {
            let url = button["url"].as_str()?;
            let (_, rest) = url.split_once("otp_type=").filter(|_| url.contains("whatsapp.com/otp/"))?;
            Some(rest.split('&').next().unwrap_or(rest).to_ascii_uppercase())
        }
        _ => None,
    }
}

/// One of the provider's own words.
fn word(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase()
}

/// A text of the author.
fn text(value: &Value, key: &str) -> Value {
    json!(value.get(key).and_then(Value::as_str).unwrap_or_default().replace("\r\n", "\n").trim())
}
