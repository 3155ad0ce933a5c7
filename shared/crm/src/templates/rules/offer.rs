//! Limited-time offers, and what may stand beside one.

use serde_json::Value;

use super::{
    Whole, kind_of,
    place::Place,
    table::special as rule,
    text::{TextRules, check_line},
    text_of,
};
use crate::templates::model::Category;

const TEXT: TextRules = TextRules { missing: &rule::OFFER_TEXT, length: &rule::OFFER_LENGTH, lines: None, variables: None };

pub(super) fn check(at: &mut Place<'_>, component: &Value) {
    if at.content.category != Category::Marketing {
        at.broken("type", &rule::OFFER_CATEGORY);
        return;
    }
    let offer = component.get("limited_time_offer").unwrap_or(&Value::Null);
    let mut at = at.inside(format_args!("limited_time_offer"));
    if let Some(text) = check_line(&mut at, "text", offer.get("text"), &TEXT)
        && text.contains(['{', '}'])
    {
        at.broken("text", &rule::OFFER_BRACES);
    }
    if offer.get("has_expiration").is_some_and(|ends| !ends.is_boolean()) {
        at.broken("has_expiration", &rule::OFFER_EXPIRATION);
    }
}

/// Checks the other components of a template with an offer.
pub(super) fn check_company(at: &mut Place<'_>, whole: &Whole<'_>) {
    let Some((_, component)) = whole.get("LIMITED_TIME_OFFER") else { return };
    if let Some((index, _)) = whole.get("FOOTER") {
        at.broken(&format!("components[{index}].type"), &rule::OFFER_FOOTER);
    }
    if let Some((index, header)) = whole.get("HEADER")
        && !text_of(header, "format").is_some_and(|format| rule::OFFER_HEADER.names(format))
    {
        at.broken(&format!("components[{index}].format"), &rule::OFFER_HEADER);
    }
    let Some((index, buttons)) = whole.get("BUTTONS") else {
        at.broken("components", &rule::OFFER_LINK);
        return;
    };
    // Buttons that are no list were told of already.
    if let Some(buttons) = buttons.get("buttons").and_then(Value::as_array).filter(|buttons| !buttons.is_empty()) {
        check_buttons(&mut at.inside(format_args!("components[{index}]")), buttons, component);
    }
}

fn check_buttons(at: &mut Place<'_>, buttons: &[Value], component: &Value) {
    let mut links = 0;
    let mut has_code = false;
    for (index, button) in buttons.iter().enumerate() {
        let field = format!("buttons[{index}].type");
        match kind_of(button) {
            "URL" => {
                links += 1;
                if !rule::OFFER_LINKS.covers(links) {
                    at.broken(&field, &rule::OFFER_LINKS);
                }
            }
            "COPY_CODE" => {
                if index > 0 && !has_code {
                    at.broken(&field, &rule::OFFER_CODE_FIRST);
                }
                has_code = true;
            }
            _ => at.broken(&field, &rule::OFFER_BUTTON),
        }
    }
    if links == 0 {
        at.broken("buttons", &rule::OFFER_LINK);
    }
    let ends = component.pointer("/limited_time_offer/has_expiration") == Some(&Value::Bool(true));
    if ends && !has_code {
        at.broken("buttons", &rule::OFFER_CODE);
    }
}
