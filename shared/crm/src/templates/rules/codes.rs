//! Templates for one-time codes: their words are the provider's.

use serde_json::Value;

use super::{buttons, kind_of, place::Place, table::special as rule, text_of};

pub(super) fn check(at: &mut Place<'_>, kind: &str, component: &Value) {
    match kind {
        "BODY" => {
            if component.get("text").is_some() {
                at.broken("text", &rule::CODE_BODY);
            }
            if component.get("add_security_recommendation").is_some_and(|advice| !advice.is_boolean()) {
                at.broken("add_security_recommendation", &rule::CODE_ADVICE);
            }
        }
        "FOOTER" => {
            if component.get("text").is_some() {
                at.broken("text", &rule::CODE_FOOTER);
            }
            let minutes = component.get("code_expiration_minutes").and_then(Value::as_u64);
            if !minutes.is_some_and(|minutes| rule::CODE_MINUTES.covers(minutes)) {
                at.broken("code_expiration_minutes", &rule::CODE_MINUTES);
            }
        }
        "BUTTONS" => check_buttons(at, component),
        _ => at.broken("type", &rule::CODE_COMPONENT),
    }
}

fn check_buttons(at: &mut Place<'_>, component: &Value) {
    let Some(list) = buttons::list(at, component) else { return };
    let button = list.first().filter(|button| rule::CODE_BUTTON.covers(list.len()) && kind_of(button) == "OTP");
    let Some(button) = button else {
        at.broken("buttons", &rule::CODE_BUTTON);
        return;
    };
    let mut at = at.inside(format_args!("buttons[0]"));
    for field in ["text", "autofill_text"] {
        if let Some(label) = button.get(field) {
            buttons::check_label(&mut at, field, Some(label));
        }
    }
    match text_of(button, "otp_type").filter(|word| rule::CODE_TYPE.names(word)) {
        Some("COPY_CODE") => {}
        Some(word) => {
            check_apps(&mut at, button);
            if word == "ZERO_TAP" && button.get("zero_tap_terms_accepted") != Some(&Value::Bool(true)) {
                at.broken("zero_tap_terms_accepted", &rule::ZERO_TAP_TERMS);
            }
        }
        None => at.broken("otp_type", &rule::CODE_TYPE),
    }
}

fn check_apps(at: &mut Place<'_>, button: &Value) {
    let Some(apps) = button.get("supported_apps").and_then(Value::as_array).filter(|apps| !apps.is_empty()) else {
        at.broken("supported_apps", &rule::APPS_LIST);
        return;
    };
    if !rule::APPS_COUNT.covers(apps.len()) {
        at.broken("supported_apps", &rule::APPS_COUNT);
    }
    for (index, app) in apps.iter().enumerate() {
        let mut at = at.inside(format_args!("supported_apps[{index}]"));
        let package = text_of(app, "package_name").unwrap_or_default();
        if !is_package(package) {
            at.broken("package_name", &rule::APP_PACKAGE);
        } else if !rule::APP_PACKAGE_LENGTH.covers(package.len()) {
            at.broken("package_name", &rule::APP_PACKAGE_LENGTH);
        }
        let signature = text_of(app, "signature_hash").unwrap_or_default();
        let is_base64 = signature.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        if !is_base64 || !rule::APP_SIGNATURE.covers(signature.len()) {
            at.broken("signature_hash", &rule::APP_SIGNATURE);
        }
    }
}

fn is_package(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    rule::APP_PACKAGE.covers(name.split('.').count()) && name.split('.').all(is_part)
}
