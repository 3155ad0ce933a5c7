//! Buttons: which there are, how many, and what each needs.

use serde_json::Value;

use super::{
    Checked, Fault, Object,
    parts::{Parts, ensure, given, only_sample, text_in},
    text::check_label,
};
use crate::simulator::error::GraphError;

/// Kinds of buttons outside cards, and the most of each.
const MOST: [(&str, usize); 9] = [
    ("QUICK_REPLY", 10),
    ("URL", 2),
    ("PHONE_NUMBER", 1),
    ("COPY_CODE", 1),
    ("FLOW", 1),
    ("CATALOG", 1),
    ("MPM", 1),
    ("VOICE_CALL", 1),
    ("REQUEST_CONTACT_INFO", 1),
];

/// The kinds of a component's buttons, in order.
pub(super) fn kinds(component: &Object) -> Vec<&str> {
    let buttons = given(component, "buttons").and_then(Value::as_array);
    buttons.into_iter().flatten().map(|button| button["type"].as_str().unwrap_or_default()).collect()
}

/// The buttons of a component.
pub(super) fn list<'a>(component: &'a Object, place: &str) -> Result<Vec<&'a Object>, GraphError> {
    let buttons = given(component, "buttons").and_then(Value::as_array);
    let buttons = buttons.ok_or_else(|| Fault::Rest.at(place, "buttons is a list."))?;
    buttons.iter().map(|button| button.as_object().ok_or_else(|| Fault::Rest.at(place, "a button is an object."))).collect()
}

pub(super) fn check(component: &Object, parts: &Parts<'_>, marketing: bool) -> Checked {
    const PLACE: &str = "BUTTONS";
    let buttons = list(component, PLACE)?;
    if buttons.len() > 10 {
        return Err(Fault::TooLong.at(PLACE, "a template has at most 10 buttons."));
    }
    ensure(!buttons.is_empty(), Fault::Rest, PLACE, "the list of buttons is empty.")?;
    let kinds = kinds(component);
    for (button, kind) in buttons.iter().zip(&kinds) {
        let Some((_, most)) = MOST.iter().find(|(known, _)| known == kind) else {
            return Err(Fault::Rest.at(PLACE, &format!("buttons of the type `{kind}` are not supported here.")));
        };
        if kinds.iter().filter(|other| *other == kind).count() > *most {
            return Err(Fault::TooLong.at(PLACE, &format!("a template has at most {most} {kind} buttons.")));
        }
        if matches!(*kind, "CATALOG" | "MPM") {
            ensure(buttons.len() == 1, Fault::Rest, PLACE, &format!("a {kind} button stands alone."))?;
        }
        if matches!(*kind, "CATALOG" | "MPM") {
            ensure(marketing, Fault::Rest, PLACE, &format!("only templates of the category MARKETING have {kind} buttons."))?;
        }
        if *kind == "MPM" {
            let text = parts.header.and_then(|header| given(header, "format")).and_then(Value::as_str) == Some("TEXT");
            ensure(text, Fault::Header, "HEADER", "a template with an MPM button has a header of text.")?;
        }
        check_one(button, kind, PLACE)?;
    }
    let changes = kinds.windows(2).filter(|pair| (pair[0] == "QUICK_REPLY") != (pair[1] == "QUICK_REPLY")).count();
    ensure(changes <= 1, Fault::Rest, PLACE, "quick replies stand together, before or behind all other buttons.")
}

/// What a button of this kind needs.
pub(super) fn check_one(button: &Object, kind: &str, place: &str) -> Checked {
    if !matches!(kind, "COPY_CODE" | "REQUEST_CONTACT_INFO") {
        check_label(text_in(button, "text", place, Fault::Rest)?.unwrap_or_default(), place)?;
    }
    match kind {
        "URL" => check_url(button, place),
        "PHONE_NUMBER" => {
            let phone = text_in(button, "phone_number", place, Fault::Rest)?.unwrap_or_default();
            let known = phone.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')'));
            if phone.chars().count() > 20 {
                return Err(Fault::TooLong.at(place, "phone_number has at most 20 characters."));
            }
            let digits = phone.bytes().any(|byte| byte.is_ascii_digit());
            ensure(known && digits, Fault::Rest, place, "phone_number has digits, and nothing but blanks, +, -, ( and ) beside them.")
        }
        "COPY_CODE" => match only_sample(button, "example") {
            Some(code) if code.chars().count() > 15 => Err(Fault::TooLong.at(place, "the sample of a code has at most 15 characters.")),
            Some(_) => Ok(()),
            None => Err(Fault::Rest.at(place, "a COPY_CODE button needs exactly one sample.")),
        },
        "FLOW" => check_flow(button, place),
        "VOICE_CALL" => match given(button, "ttl_minutes") {
            None => Ok(()),
            Some(minutes) => {
                let known = minutes.as_i64().is_some_and(|minutes| (1_440..=43_200).contains(&minutes));
                ensure(known, Fault::Rest, place, "ttl_minutes is from 1440 to 43200.")
            }
        },
        _ => Ok(()),
    }
}

fn check_url(button: &Object, place: &str) -> Checked {
    let url = text_in(button, "url", place, Fault::Rest)?.unwrap_or_default();
    if url.chars().count() > 2_000 {
        return Err(Fault::TooLong.at(place, "url has at most 2000 characters."));
    }
    let behind = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    ensure(!behind.is_empty() && !url.contains(char::is_whitespace), Fault::Rest, place, "url is a web address without blanks.")?;
    let fixed = url.strip_suffix("{{1}}");
    let rest = fixed.unwrap_or(url);
    let torn = rest.contains("{{") || rest.contains("}}") || (fixed.is_some() && rest.ends_with('{'));
    ensure(!torn, Fault::Rest, place, "url has at most one variable, {{1}}, at its very end.")?;
    if fixed.is_some() {
        ensure(only_sample(button, "example").is_some(), Fault::Rest, place, "a url with a variable needs exactly one sample.")?;
    }
    Ok(())
}

fn check_flow(button: &Object, place: &str) -> Checked {
    let id = text_in(button, "flow_id", place, Fault::Rest)?;
    let name = text_in(button, "flow_name", place, Fault::Rest)?;
    let named = match (id, name) {
        (Some(id), None) => !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()),
        (None, Some(name)) => !name.trim().is_empty(),
        _ => false,
    };
    ensure(named, Fault::Rest, place, "a FLOW button names its flow by either flow_id or flow_name.")?;
    let action = text_in(button, "flow_action", place, Fault::Rest)?;
    ensure(
        matches!(action, None | Some("NAVIGATE" | "DATA_EXCHANGE")),
        Fault::Rest,
        place,
        "flow_action is one of {NAVIGATE, DATA_EXCHANGE}.",
    )?;
    let screen = text_in(button, "navigate_screen", place, Fault::Rest)?;
    ensure(screen.is_none_or(|screen| !screen.trim().is_empty()), Fault::Rest, place, "navigate_screen is blank.")
}
