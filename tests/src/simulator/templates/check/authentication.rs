//! Templates for one-time codes: their texts are the provider's own.

use serde_json::Value;

use super::{
    Checked, Fault, Object, buttons,
    parts::{Parts, ensure, given, text_in},
    text::check_label,
};

pub(super) fn check(parts: &Parts<'_>) -> Checked {
    for (part, name) in [
        (parts.header, "HEADER"),
        (parts.limited_time_offer, "LIMITED_TIME_OFFER"),
        (parts.carousel, "CAROUSEL"),
        (parts.call_permission, "CALL_PERMISSION_REQUEST"),
    ] {
        ensure(part.is_none(), Fault::Body, name, "templates of the category AUTHENTICATION have only BODY, FOOTER and BUTTONS.")?;
    }
    let Some(body) = parts.body else { return Err(Fault::Body.at("BODY", "a template has exactly one BODY component.")) };
    ensure(given(body, "text").is_none(), Fault::Body, "BODY", "the text of an authentication template is fixed.")?;
    let recommendation = given(body, "add_security_recommendation");
    ensure(recommendation.is_none_or(Value::is_boolean), Fault::Body, "BODY", "add_security_recommendation is true or false.")?;
    if let Some(footer) = parts.footer {
        ensure(given(footer, "text").is_none(), Fault::Rest, "FOOTER", "the footer of an authentication template is fixed.")?;
        let minutes = given(footer, "code_expiration_minutes").and_then(Value::as_i64);
        let known = minutes.is_some_and(|minutes| (1..=90).contains(&minutes));
        ensure(known, Fault::Rest, "FOOTER", "code_expiration_minutes is from 1 to 90.")?;
    }
    let Some(component) = parts.buttons else { return Err(Fault::Rest.at("BUTTONS", "an authentication template has an OTP button.")) };
    match buttons::list(component, "BUTTONS")?.as_slice() {
        [button] => check_button(button),
        _ => Err(Fault::Rest.at("BUTTONS", "an authentication template has exactly one button.")),
    }
}

fn check_button(button: &Object) -> Checked {
    const PLACE: &str = "BUTTONS";
    ensure(text_in(button, "type", PLACE, Fault::Rest)? == Some("OTP"), Fault::Rest, PLACE, "the button is of the type OTP.")?;
    for name in ["text", "autofill_text"] {
        if let Some(label) = text_in(button, name, PLACE, Fault::Rest)? {
            check_label(label, PLACE)?;
        }
    }
    let kind = text_in(button, "otp_type", PLACE, Fault::Rest)?.unwrap_or_default();
    match kind {
        "COPY_CODE" => return Ok(()),
        "ONE_TAP" => {}
        "ZERO_TAP" => {
            let accepted = given(button, "zero_tap_terms_accepted") == Some(&Value::Bool(true));
            ensure(accepted, Fault::Rest, PLACE, "zero_tap_terms_accepted is true.")?;
        }
        _ => return Err(Fault::Rest.at(PLACE, "otp_type is one of {COPY_CODE, ONE_TAP, ZERO_TAP}.")),
    }
    let apps = given(button, "supported_apps").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if apps.len() > 5 {
        return Err(Fault::TooLong.at(PLACE, "there are at most 5 supported_apps."));
    }
    let known =
        |app: &Value| app["package_name"].as_str().is_some_and(is_package) && app["signature_hash"].as_str().is_some_and(is_signature);
    ensure(!apps.is_empty() && apps.iter().all(known), Fault::Rest, PLACE, "supported_apps are 1 to 5 of { package_name, signature_hash }.")
}

fn is_package(name: &str) -> bool {
    let is_segment = |segment: &str| {
        segment.starts_with(|first: char| first.is_ascii_alphabetic())
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    name.len() <= 224 && name.contains('.') && name.split('.').all(is_segment)
}

fn is_signature(hash: &str) -> bool {
    hash.len() == 11 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}
