//! Buttons: which, how many, in which order, and what each needs.

use serde_json::Value;

use super::{
    Place,
    text::{Parts, check_names},
};
use crate::templates::model::{Category, ParameterFormat};

/// Most buttons of a template.
pub(super) const MAX_BUTTONS: usize = 10;
/// Longest label, in characters.
const MAX_LABEL: usize = 25;
/// Longest link.
const MAX_LINK: usize = 2_000;
/// Longest telephone number.
const MAX_PHONE_NUMBER: usize = 20;
/// Longest sample of a coupon code.
const MAX_CODE: usize = 15;

/// A kind of button and how often it may stand in a template.
struct Kind {
    name: &'static str,
    most: usize,
    needs_label: bool,
}

const KINDS: &[Kind] = &[
    Kind { name: "QUICK_REPLY", most: 10, needs_label: true },
    Kind { name: "URL", most: 2, needs_label: true },
    Kind { name: "PHONE_NUMBER", most: 1, needs_label: true },
    // Its label is the provider's.
    Kind { name: "COPY_CODE", most: 1, needs_label: false },
];

const OTP_TYPES: &[&str] = &["COPY_CODE", "ONE_TAP", "ZERO_TAP"];

pub(super) fn check(mut at: Place<'_>, component: &Value) {
    let Some(buttons) = component.get("buttons").and_then(Value::as_array).filter(|buttons| !buttons.is_empty()) else {
        at.add("buttons", "missing", "a list of buttons");
        return;
    };
    if buttons.len() > MAX_BUTTONS {
        at.add("buttons", "too-many", format!("a template has at most {MAX_BUTTONS} buttons"));
        return;
    }
    if at.content.category == Category::Authentication {
        check_one_time_code(&mut at, buttons);
        return;
    }
    let kinds: Vec<&str> = buttons.iter().map(|button| button.get("type").and_then(Value::as_str).unwrap_or_default()).collect();
    let path = std::mem::take(&mut at.path);
    for (index, button) in buttons.iter().enumerate() {
        at.path = format!("{path}.buttons[{index}]");
        let Some(kind) = KINDS.iter().find(|kind| kind.name == kinds[index]) else {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            at.add("type", "unsupported", format!("one of {}", names.join(", ")));
            continue;
        };
        if kinds[..=index].iter().filter(|name| **name == kind.name).count() > kind.most {
            at.add("type", "too-many", format!("a template has at most {} of {}", kind.most, kind.name));
        }
        check_button(&mut at, kind, button);
    }
    at.path = path;
    // Quick replies stand together, before or behind the others: at most one change of group on either side.
    let groups = kinds.iter().map(|kind| *kind == "QUICK_REPLY").collect::<Vec<_>>();
    if groups.windows(2).filter(|pair| pair[0] != pair[1]).count() > 1 {
        at.add("buttons", "mixed", "quick replies stand together, before or behind the other buttons");
    }
}

fn check_button(at: &mut Place<'_>, kind: &Kind, button: &Value) {
    let text = |name: &str| button.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    if kind.needs_label {
        let label = text("text");
        if label.is_empty() || label.chars().count() > MAX_LABEL || label.contains(['\n', '{', '}']) {
            at.add("text", "invalid", format!("a label of 1 to {MAX_LABEL} characters on one line, without variables"));
        }
    }
    match kind.name {
        "URL" => check_link(at, button, text("url")),
        "PHONE_NUMBER" => {
            let number = text("phone_number");
            if number.is_empty() || number.len() > MAX_PHONE_NUMBER || !number.bytes().all(|b| b.is_ascii_digit() || b" +-()".contains(&b))
            {
                at.add("phone_number", "invalid", format!("a telephone number of at most {MAX_PHONE_NUMBER} characters"));
            }
        }
        "COPY_CODE" => {
            // Both a text and a list with one text occur.
            let sample =
                button.get("example").and_then(|example| example.as_str().or_else(|| example.get(0)?.as_str())).unwrap_or_default();
            if sample.is_empty() || sample.chars().count() > MAX_CODE {
                at.add("example", "sample-missing", format!("a sample code of 1 to {MAX_CODE} characters"));
            }
        }
        _ => {}
    }
}

fn check_link(at: &mut Place<'_>, button: &Value, link: &str) {
    let has_scheme = link.starts_with("https://") || link.starts_with("http://");
    if !has_scheme || link.len() > MAX_LINK || link.contains(char::is_whitespace) {
        at.add("url", "invalid", format!("an http or https link of at most {MAX_LINK} characters"));
        return;
    }
    let parts = Parts::of(link);
    let variables = parts.variables();
    // Links are positional whatever the format of the template is.
    let format = std::mem::replace(&mut at.content.format, ParameterFormat::Positional);
    let named = check_names(at, "url", &parts, &variables);
    at.content.format = format;
    if !named || variables.is_empty() {
        return;
    }
    if variables.len() > 1 || !link.ends_with("}}") || link.matches("{{").count() > 1 {
        at.add("url", "too-many-variables", "a link has at most one variable, at its end");
    }
    let sample = button.get("example").and_then(|example| example.as_str().or_else(|| example.get(0)?.as_str())).unwrap_or_default();
    if sample.trim().is_empty() {
        at.add("example", "sample-missing", "a link with a variable needs a sample");
    }
}

fn check_one_time_code(at: &mut Place<'_>, buttons: &[Value]) {
    let is_otp = |button: &Value| button.get("type").and_then(Value::as_str) == Some("OTP");
    if buttons.len() != 1 || !buttons.iter().all(is_otp) {
        at.add("buttons", "otp-missing", "a template for codes has exactly one OTP button");
        return;
    }
    let kind = buttons[0].get("otp_type").and_then(Value::as_str).unwrap_or_default();
    if !OTP_TYPES.contains(&kind) {
        at.add("buttons[0].otp_type", "unknown-value", format!("one of {}", OTP_TYPES.join(", ")));
    }
}
