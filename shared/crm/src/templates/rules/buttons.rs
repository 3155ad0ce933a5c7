//! Buttons: which, how many, in which order, and what each needs.

use serde_json::Value;

use super::{
    Whole, kind_of,
    place::Place,
    table::buttons::{self as rule, KINDS},
    table::content,
    text::{Parts, TextRules, check_line, check_names, samples},
    text_of,
};
use crate::templates::model::{Category, ParameterFormat};

const LABEL: TextRules = TextRules { missing: &rule::LABEL, length: &rule::LABEL_LENGTH, lines: Some(&rule::LABEL_LINE), variables: None };

pub(super) fn check(at: &mut Place<'_>, component: &Value, whole: &Whole<'_>) {
    let Some(buttons) = list(at, component) else { return };
    if !rule::BUTTONS_COUNT.covers(buttons.len()) {
        at.broken("buttons", &rule::BUTTONS_COUNT);
    }
    let category = at.content.category;
    for (index, button) in buttons.iter().enumerate() {
        let mut at = at.inside(format_args!("buttons[{index}]"));
        let kind = kind_of(button);
        if !rule::BUTTON_KIND.names(kind) {
            at.broken("type", &rule::BUTTON_KIND);
            continue;
        }
        if rule::BUTTON_ALONE.names(kind) && buttons.len() > 1 {
            at.broken("type", &rule::BUTTON_ALONE);
        }
        if rule::BUTTON_MARKETING.names(kind) && category != Category::Marketing {
            at.broken("type", &rule::BUTTON_MARKETING);
        }
        let header = whole.get("HEADER").and_then(|(_, header)| text_of(header, "format"));
        if kind == "MPM" && header != Some("TEXT") {
            at.broken("type", &rule::MPM_HEADER);
        }
        check_button(&mut at, button, &buttons[..index]);
    }
    // At most one change between quick replies and others.
    let replies: Vec<bool> = buttons.iter().map(|button| kind_of(button) == "QUICK_REPLY").collect();
    if replies.windows(2).filter(|pair| pair[0] != pair[1]).count() > 1 {
        at.broken("buttons", &rule::BUTTONS_GROUPED);
    }
}

/// The buttons of a component, if it has any.
pub(super) fn list<'a>(at: &mut Place<'_>, component: &'a Value) -> Option<&'a [Value]> {
    let buttons = component.get("buttons").and_then(Value::as_array).filter(|buttons| !buttons.is_empty());
    if buttons.is_none() {
        at.broken("buttons", &rule::BUTTONS_LIST);
    }
    buttons.map(Vec::as_slice)
}

/// Checks a button of a known kind by itself, and how many of the kind stand before it.
pub(super) fn check_button(at: &mut Place<'_>, button: &Value, before: &[Value]) {
    let Some(kind) = KINDS.iter().find(|kind| kind.word == kind_of(button)) else { return };
    let count = before.iter().filter(|other| kind_of(other) == kind.word).count() + 1;
    if let Some(rule) = kind.count.filter(|rule| !rule.covers(count)) {
        at.broken("type", rule);
    }
    if kind.has_label {
        check_label(at, "text", button.get("text"));
    }
    match kind.word {
        "URL" => check_link(at, button),
        "PHONE_NUMBER" => check_phone(at, button),
        "COPY_CODE" => check_coupon(at, button),
        "FLOW" => check_flow(at, button),
        "VOICE_CALL" => {
            let minutes = button.get("ttl_minutes");
            if minutes.is_some_and(|minutes| !minutes.as_u64().is_some_and(|minutes| rule::CALL_MINUTES.covers(minutes))) {
                at.broken("ttl_minutes", &rule::CALL_MINUTES);
            }
        }
        _ => {}
    }
}

pub(super) fn check_label(at: &mut Place<'_>, field: &str, label: Option<&Value>) {
    let Some(label) = check_line(at, field, label, &LABEL) else { return };
    if label.contains(['{', '}']) {
        at.broken(field, &rule::LABEL_BRACES);
    }
}

fn check_link(at: &mut Place<'_>, button: &Value) {
    let link = text_of(button, "url").unwrap_or_default();
    let behind = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://")).unwrap_or_default();
    if behind.is_empty() || link.contains(char::is_whitespace) {
        at.broken("url", &rule::LINK);
        return;
    }
    if !rule::LINK_LENGTH.covers(link.chars().count()) {
        at.broken("url", &rule::LINK_LENGTH);
    }
    let Some(parts) = Parts::of(link) else {
        at.broken("url", &content::PLACEHOLDER);
        return;
    };
    // Links are positional whatever the format of the template is.
    if let Err(broken) = check_names(&parts, ParameterFormat::Positional) {
        at.broken("url", broken);
        return;
    }
    if parts.names.is_empty() {
        return;
    }
    if !rule::LINK_VARIABLE.covers(parts.names.len()) || !link.ends_with("}}") {
        at.broken("url", &rule::LINK_VARIABLE);
        return;
    }
    let samples = button.get("example").and_then(samples);
    if !samples.is_some_and(|samples| rule::LINK_SAMPLE.covers(samples.len())) {
        at.broken("example", &rule::LINK_SAMPLE);
    }
}

fn check_phone(at: &mut Place<'_>, button: &Value) {
    let number = text_of(button, "phone_number").unwrap_or_default();
    let fits = number.bytes().all(|byte| byte.is_ascii_digit() || b" +-()".contains(&byte));
    if !fits || !number.bytes().any(|byte| byte.is_ascii_digit()) {
        at.broken("phone_number", &rule::PHONE);
    } else if !rule::PHONE_LENGTH.covers(number.len()) {
        at.broken("phone_number", &rule::PHONE_LENGTH);
    }
}

fn check_coupon(at: &mut Place<'_>, button: &Value) {
    let codes = button.get("example").and_then(samples);
    let Some(codes) = codes.filter(|codes| rule::COUPON.covers(codes.len())) else {
        at.broken("example", &rule::COUPON);
        return;
    };
    if !codes.iter().all(|code| rule::COUPON_LENGTH.covers(code.chars().count())) {
        at.broken("example", &rule::COUPON_LENGTH);
    }
}

fn check_flow(at: &mut Place<'_>, button: &Value) {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !super::is_blank(text));
    let is_digits = |value: &Value| value.as_str().is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    match (button.get("flow_id"), button.get("flow_name")) {
        (Some(_), Some(_)) | (None, None) => at.broken("flow_id", &rule::FLOW_TARGET),
        (Some(id), None) if !is_digits(id) => at.broken("flow_id", &rule::FLOW_ID),
        (None, Some(name)) if !is_text(name) => at.broken("flow_name", &rule::FLOW_NAME),
        _ => {}
    }
    let action = button.get("flow_action");
    if action.is_some_and(|action| !action.as_str().is_some_and(|word| rule::FLOW_ACTION.names(word))) {
        at.broken("flow_action", &rule::FLOW_ACTION);
    }
    if button.get("navigate_screen").is_some_and(|screen| !is_text(screen)) {
        at.broken("navigate_screen", &rule::FLOW_SCREEN);
    }
}
