//! Carousels: cards of the same make.

use serde_json::Value;

use super::{
    Checked, Fault, Object, buttons, check_media_sample, parameter,
    parts::{Parts, ensure, given},
    text,
};

/// What all cards have in common: components, header format, kinds of buttons.
type Make<'a> = ([bool; 7], &'a str, Vec<&'a str>);

pub(super) fn check(carousel: &Object, named: bool) -> Checked {
    let Some(cards) = given(carousel, "cards").and_then(Value::as_array) else {
        return Err(parameter("CAROUSEL: cards is a list."));
    };
    if cards.len() > 10 {
        return Err(Fault::TooLong.at("CAROUSEL", "a carousel has at most 10 cards."));
    }
    if cards.len() < 2 {
        return Err(parameter("CAROUSEL: a carousel has at least 2 cards."));
    }
    let mut makes = Vec::with_capacity(cards.len());
    for (index, card) in cards.iter().enumerate() {
        let Some(components) = card.as_object().and_then(|card| given(card, "components")) else {
            return Err(parameter(format!("CAROUSEL card {index}: components are missing.")));
        };
        let parts = Parts::read(components, &format!("CAROUSEL card {index} components"))?;
        makes.push(check_card(&parts, named, index)?);
    }
    if makes.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(parameter("CAROUSEL: all cards have the same components, header formats and buttons."));
    }
    Ok(())
}

fn check_card<'a>(parts: &Parts<'a>, named: bool, index: usize) -> Result<Make<'a>, crate::simulator::error::GraphError> {
    let place = |component: &str| format!("CAROUSEL card {index} {component}");
    if parts.footer.is_some() || parts.limited_time_offer.is_some() || parts.carousel.is_some() || parts.call_permission.is_some() {
        return Err(parameter(format!("CAROUSEL card {index}: a card has a HEADER, BUTTONS and maybe a BODY, nothing else.")));
    }
    let Some(header) = parts.header else { return Err(Fault::Header.at(&place("HEADER"), "a card has a header.")) };
    let format = given(header, "format").and_then(Value::as_str).unwrap_or_default();
    match format {
        "IMAGE" | "VIDEO" => check_media_sample(header, &place("HEADER"))?,
        "PRODUCT" => {}
        _ => return Err(Fault::Header.at(&place("HEADER"), "format is one of {IMAGE, VIDEO, PRODUCT}.")),
    }
    if let Some(body) = parts.body {
        let place = place("BODY");
        text::check_body(body, named, &place, 160)?;
        let breaks = given(body, "text").and_then(Value::as_str).map_or(0, |text| text.matches('\n').count());
        ensure(breaks <= 2, Fault::Body, &place, "the text has at most 2 line breaks.")?;
    }
    let place = place("BUTTONS");
    let Some(component) = parts.buttons else { return Err(Fault::Rest.at(&place, "a card has buttons.")) };
    let list = buttons::list(component, &place)?;
    let kinds = buttons::kinds(component);
    if list.len() > 2 {
        return Err(Fault::TooLong.at(&place, "a card has at most 2 buttons."));
    }
    ensure(!list.is_empty(), Fault::Rest, &place, "the list of buttons is empty.")?;
    let allowed: &[&str] = if format == "PRODUCT" { &["SPM", "URL"] } else { &["QUICK_REPLY", "URL", "PHONE_NUMBER"] };
    let known = kinds.iter().all(|kind| allowed.contains(kind));
    ensure(known, Fault::Rest, &place, &format!("buttons of a card with a header of the format {format} are of {allowed:?}."))?;
    ensure(format != "PRODUCT" || list.len() == 1, Fault::Rest, &place, "a card of a product has exactly one button.")?;
    let phones = kinds.iter().filter(|kind| **kind == "PHONE_NUMBER").count();
    ensure(phones <= 1, Fault::Rest, &place, "a card has at most one PHONE_NUMBER button.")?;
    for (button, kind) in list.iter().zip(&kinds) {
        buttons::check_one(button, kind, &place)?;
    }
    Ok((parts.kinds(), format, kinds))
}
