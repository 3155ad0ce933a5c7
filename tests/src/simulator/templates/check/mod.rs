//! The rules a creation has to keep, as the provider applies them.
//!
//! Written from Meta's pages alone and not from the product's own validator, so that the two can be compared.
//!
//! # Source
//! Meta, WhatsApp Business Management API, "Templates" (components, carousels, limited-time offers, authentication, supported languages),
//! and "Error codes" (subcodes).

mod authentication;
mod buttons;
mod carousel;
mod languages;
mod parts;
mod text;

use serde_json::{Map, Value};

use self::parts::{Parts, given, text_in};
use super::{Category, Definition};
use crate::simulator::error::GraphError;

pub(crate) use self::text::{Piece, pieces};

type Checked = Result<(), GraphError>;
type Object = Map<String, Value>;

/// Bytes of all components together.
const WHOLE_LIMIT: usize = 64 * 1024;

/// What is wrong, by the provider's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    TooLong,
    Header,
    Body,
    /// Footer and buttons, also those of offers.
    Rest,
    Ratio,
    Edge,
}

impl Fault {
    fn at(self, place: &str, sentence: &str) -> GraphError {
        let (subcode, title) = match self {
            Self::TooLong => (2_388_040, "Character limit exceeded in a template field"),
            Self::Header => (2_388_047, "Message header format is incorrect"),
            Self::Body => (2_388_072, "Message body format is incorrect"),
            Self::Rest => (2_388_073, "Message footer or buttons format is incorrect"),
            Self::Ratio => (2_388_293, "Template parameter to words ratio exceeds its limit"),
            Self::Edge => (2_388_299, "Template cannot start or end with a parameter"),
        };
        GraphError::of(100).subcode(subcode).for_people(title, format!("{place}: {sentence}"))
    }
}

/// A parameter of the call that is malformed, whatever the components say.
fn parameter(sentence: impl Into<String>) -> GraphError {
    let sentence = sentence.into();
    GraphError::parameter(sentence.clone()).for_people("Invalid parameter", sentence)
}

/// Applies every rule to a normalised definition.
pub(crate) fn check(definition: &Definition) -> Checked {
    check_top(definition)?;
    let parts = Parts::read(&definition.components, "components")?;
    if definition.category() == Category::Authentication {
        return authentication::check(&parts);
    }
    let Some(body) = parts.body else { return Err(Fault::Body.at("BODY", "a template has exactly one BODY component.")) };
    let marketing = definition.category() == Category::Marketing;
    let named = definition.named();
    if let Some(header) = parts.header {
        check_header(header, named)?;
    }
    let limit = if parts.limited_time_offer.is_some() { 600 } else { 1_024 };
    text::check_body(body, named, "BODY", limit)?;
    text::check_ratio(body, named)?;
    if let Some(footer) = parts.footer {
        check_footer(footer)?;
    }
    if let Some(component) = parts.buttons {
        buttons::check(component, &parts, marketing)?;
    }
    if let Some(offer) = parts.limited_time_offer {
        check_offer(offer, &parts, marketing)?;
    }
    if parts.call_permission.is_some() && (parts.buttons.is_some() || parts.limited_time_offer.is_some() || parts.carousel.is_some()) {
        return Err(parameter("CALL_PERMISSION_REQUEST: cannot be combined with other interactive components."));
    }
    if let Some(carousel) = parts.carousel {
        if !marketing {
            return Err(parameter("CAROUSEL: only templates of the category MARKETING have carousels."));
        }
        if parts.header.is_some() || parts.footer.is_some() || parts.buttons.is_some() || parts.limited_time_offer.is_some() {
            return Err(parameter("CAROUSEL: beside a carousel there is only a BODY."));
        }
        carousel::check(carousel, named)?;
    }
    Ok(())
}

/// Whether the review turns it down: two variables without anything between them.
pub(crate) fn has_adjacent_variables(definition: &Definition) -> bool {
    let bodies = std::iter::once(&definition.components).chain(definition.cards());
    bodies
        .filter_map(|components| super::definition::component(components, "BODY"))
        .any(|body| text::adjacent(super::definition::text_of(body, "text"), definition.named()))
}

fn check_top(definition: &Definition) -> Checked {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=512).contains(&definition.name.len()) || !definition.name.bytes().all(letters) {
        return Err(parameter("Param name must be lower-case letters, digits and underscores, at most 512."));
    }
    if !matches!(definition.category.as_str(), "MARKETING" | "UTILITY" | "AUTHENTICATION") {
        return Err(parameter("Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}."));
    }
    if !languages::is_supported(&definition.language) {
        return Err(parameter(format!("Param language: {} is not a supported language code.", definition.language)));
    }
    if !matches!(definition.parameter_format.as_str(), "POSITIONAL" | "NAMED") {
        return Err(parameter("Param parameter_format must be one of {POSITIONAL, NAMED}."));
    }
    let seconds = match definition.category() {
        Category::Authentication => 30..=900,
        Category::Utility => 30..=43_200,
        Category::Marketing => 43_200..=2_592_000,
    };
    if definition.message_send_ttl_seconds.is_some_and(|ttl| ttl != -1 && !seconds.contains(&ttl)) {
        return Err(parameter(format!("Param message_send_ttl_seconds must be -1 or from {} to {}.", seconds.start(), seconds.end())));
    }
    if definition.components.to_string().len() > WHOLE_LIMIT {
        return Err(Fault::TooLong.at("components", "all components together have at most 64 KiB."));
    }
    Ok(())
}

fn check_header(header: &Object, named: bool) -> Checked {
    match text_in(header, "format", "HEADER", Fault::Header)? {
        Some("TEXT") => text::check_header(header, named),
        Some("IMAGE" | "VIDEO" | "DOCUMENT") => check_media_sample(header, "HEADER"),
        Some("LOCATION") => Ok(()),
        _ => Err(Fault::Header.at("HEADER", "format is one of {TEXT, IMAGE, VIDEO, DOCUMENT, LOCATION}.")),
    }
}

/// Exactly one handle; whether it is known, the account's state decides.
fn check_media_sample(header: &Object, place: &str) -> Checked {
    let handles = given(header, "example").and_then(|example| example.get("header_handle")).and_then(Value::as_array);
    match handles.map(Vec::as_slice) {
        Some([Value::String(handle)]) if !handle.trim().is_empty() => Ok(()),
        _ => Err(Fault::Header.at(place, "example.header_handle is a list with exactly one handle of a sample.")),
    }
}

fn check_footer(footer: &Object) -> Checked {
    let text = text_in(footer, "text", "FOOTER", Fault::Rest)?.unwrap_or_default();
    text::check_line(text, 60, "FOOTER", Fault::Rest)?;
    if text.contains("{{") || text.contains("}}") {
        return Err(Fault::Rest.at("FOOTER", "a footer has no variables."));
    }
    Ok(())
}

fn check_offer(component: &Object, parts: &Parts<'_>, marketing: bool) -> Checked {
    const PLACE: &str = "LIMITED_TIME_OFFER";
    if !marketing {
        return Err(parameter("LIMITED_TIME_OFFER: only templates of the category MARKETING have offers."));
    }
    let Some(offer) = given(component, "limited_time_offer").and_then(Value::as_object) else {
        return Err(Fault::Rest.at(PLACE, "limited_time_offer is missing."));
    };
    let text = text_in(offer, "text", PLACE, Fault::Rest)?.unwrap_or_default();
    if text.chars().count() > 16 {
        return Err(Fault::TooLong.at(PLACE, "the text has at most 16 characters."));
    }
    if text.trim().is_empty() || text.contains(['{', '}']) {
        return Err(Fault::Rest.at(PLACE, "the text is not blank and has no braces."));
    }
    let expires = match given(offer, "has_expiration") {
        None => false,
        Some(Value::Bool(expires)) => *expires,
        Some(_) => return Err(Fault::Rest.at(PLACE, "has_expiration is true or false.")),
    };
    if parts.footer.is_some() {
        return Err(Fault::Rest.at("FOOTER", "a template with a limited-time offer has no footer."));
    }
    if parts.header.is_some_and(|header| !matches!(given(header, "format").and_then(Value::as_str), Some("IMAGE" | "VIDEO"))) {
        return Err(Fault::Header.at("HEADER", "beside a limited-time offer the header is an IMAGE or a VIDEO."));
    }
    let kinds = parts.buttons.map(buttons::kinds).unwrap_or_default();
    match kinds.as_slice() {
        ["COPY_CODE", "URL"] => Ok(()),
        ["URL"] if !expires => Ok(()),
        ["URL"] => Err(Fault::Rest.at("BUTTONS", "an offer that expires has a COPY_CODE button.")),
        _ => Err(Fault::Rest.at("BUTTONS", "an offer has one URL button, and at most a COPY_CODE button before it.")),
    }
}
