use serde_json::{Value, json};

use super::{Content, check, normalised};
use crate::templates::model::{Category, ParameterFormat};

fn codes(category: Category, format: ParameterFormat, components: Value) -> Vec<(String, &'static str)> {
    let components = normalised(components);
    let content = Content { name: "offer_1", language: "en_US", category, format, components: &components };
    match check(content) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.0.into_iter().map(|error| (error.field, error.code)).collect(),
    }
}

fn marketing(components: Value) -> Vec<(String, &'static str)> {
    codes(Category::Marketing, ParameterFormat::Positional, components)
}

fn found(field: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.to_owned(), code)]
}

#[test]
fn a_whole_template_passes() {
    let components = json!([
        { "type": "header", "format": "text", "text": "For {{1}}", "example": { "header_text": ["Ada"] } },
        { "type": "BODY", "text": "Hello {{1}}, take {{2}} off.", "example": { "body_text": [["Ada", "20 %"]] } },
        { "type": "FOOTER", "text": "Reply STOP to end" },
        { "type": "BUTTONS", "buttons": [
            { "type": "QUICK_REPLY", "text": "Stop" },
            { "type": "URL", "text": "Shop", "url": "https://shop.example/{{1}}", "example": ["https://shop.example/x"] },
            { "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+4930123456" },
            { "type": "COPY_CODE", "example": "SAVE20" },
        ] },
    ]);
    assert_eq!(marketing(components), []);
}

#[test]
fn named_variables_pass_with_their_samples() {
    let body =
        |samples: Value| json!([{ "type": "BODY", "text": "Hello {{first_name}}!", "example": { "body_text_named_params": samples } }]);
    let named = |components| codes(Category::Utility, ParameterFormat::Named, components);
    assert_eq!(named(body(json!([{ "param_name": "first_name", "example": "Ada" }]))), []);
    assert_eq!(
        named(body(json!([{ "param_name": "name", "example": "Ada" }]))),
        found("components[0].example.body_text_named_params", "sample-missing")
    );
    let odd = json!([{ "type": "BODY", "text": "Hello {{First}}!" }]);
    assert_eq!(named(odd), found("components[0].text", "placeholder"));
}

#[test]
fn names_and_languages_have_rules() {
    let components = json!([{ "type": "BODY", "text": "Hello." }]);
    let long = "a".repeat(513);
    for name in ["", "Offer", "an offer", "ünter", &long] {
        let content =
            Content { name, language: "en", category: Category::Utility, format: ParameterFormat::Positional, components: &components };
        assert_eq!(check(content).unwrap_err().0[0].field, "name", "{name}");
    }
    for language in ["", "english", "en-US", "EN", "en_us", "en_"] {
        let content =
            Content { name: "x", language, category: Category::Utility, format: ParameterFormat::Positional, components: &components };
        assert_eq!(check(content).unwrap_err().0[0].field, "language", "{language}");
    }
}

#[test]
fn a_body_is_needed_once() {
    assert_eq!(marketing(json!([])), found("components", "missing"));
    assert_eq!(marketing(json!("BODY")), found("components", "missing"));
    assert_eq!(marketing(json!([{ "type": "FOOTER", "text": "x" }])), found("components", "body-missing"));
    let twice = json!([{ "type": "BODY", "text": "a" }, { "type": "BODY", "text": "b" }]);
    assert_eq!(marketing(twice), found("components[1].type", "duplicate"));
    let odd = json!([{ "type": "BODY", "text": "a" }, { "type": "CAROUSEL" }, 7]);
    assert_eq!(marketing(odd), [found("components[1].type", "unsupported"), found("components[2].type", "unsupported")].concat());
}

#[test]
fn the_body_has_rules() {
    let body = |text: &str, samples: &[&str]| marketing(json!([{ "type": "BODY", "text": text, "example": { "body_text": [samples] } }]));
    let at = |code| found("components[0].text", code);
    assert_eq!(body(&"x".repeat(1_024), &[]), []);
    assert_eq!(body(&"x".repeat(1_025), &[]), at("too-long"));
    assert_eq!(body("  ", &[]), at("missing"));
    assert_eq!(body("Hi {{2}} there", &["a"]), at("placeholder-order"));
    assert_eq!(body("Hi {{1}} and {{3}} there", &["a", "b"]), at("placeholder-order"));
    assert_eq!(body("Hi {{name}} there", &["a"]), at("placeholder-order"));
    assert_eq!(body("Hi {{1} there", &[]), at("placeholder"));
    assert_eq!(body("{{1}} hello", &["a"]), at("edge-variable"));
    assert_eq!(body("Hello {{1}}", &["a"]), at("edge-variable"));
    assert_eq!(body("Hello there {{1}} {{2}}.", &["a", "b"]), at("adjacent-variables"));
    assert_eq!(body("Hi {{1}}, {{2}}, {{3}}.", &["a", "b", "c"]), at("too-many-variables"));
    assert_eq!(body("Hi {{1}}, you.", &[]), found("components[0].example.body_text", "sample-missing"));
    assert_eq!(body("Hi {{1}}, you and {{1}}!", &["a"]), []);
}

#[test]
fn header_and_footer_have_rules() {
    let with = |component: Value| marketing(json!([component, { "type": "BODY", "text": "Hello." }]));
    assert_eq!(with(json!({ "type": "HEADER", "format": "TEXT", "text": "x".repeat(61) })), found("components[0].text", "too-long"));
    assert_eq!(with(json!({ "type": "HEADER", "format": "TEXT", "text": "*x*" })), found("components[0].text", "markdown"));
    let two = json!({ "type": "HEADER", "format": "TEXT", "text": "a {{1}} b {{2}}", "example": { "header_text": ["a", "b"] } });
    assert_eq!(with(two), found("components[0].text", "too-many-variables"));
    assert_eq!(with(json!({ "type": "HEADER", "format": "IMAGE" })), found("components[0].example.header_handle", "sample-missing"));
    assert_eq!(with(json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::x"] } })), []);
    assert_eq!(with(json!({ "type": "HEADER", "format": "GIF" })), found("components[0].format", "unsupported"));
    assert_eq!(with(json!({ "type": "FOOTER", "text": "x".repeat(61) })), found("components[0].text", "too-long"));
    assert_eq!(with(json!({ "type": "FOOTER", "text": "by {{1}}" })), found("components[0].text", "too-many-variables"));
}

#[test]
fn buttons_have_rules() {
    let with = |buttons: Value| marketing(json!([{ "type": "BODY", "text": "Hello." }, { "type": "BUTTONS", "buttons": buttons }]));
    let reply = json!({ "type": "QUICK_REPLY", "text": "Yes" });
    let link = json!({ "type": "URL", "text": "Shop", "url": "https://shop.example" });
    assert_eq!(with(json!([])), found("components[1].buttons", "missing"));
    assert_eq!(with(json!(vec![&reply; 10])), []);
    assert_eq!(with(json!(vec![&reply; 11])), found("components[1].buttons", "too-many"));
    assert_eq!(with(json!([link, link, link])), found("components[1].buttons[2].type", "too-many"));
    assert_eq!(with(json!([reply, link, reply])), found("components[1].buttons", "mixed"));
    assert_eq!(with(json!([{ "type": "QUICK_REPLY", "text": "x".repeat(26) }])), found("components[1].buttons[0].text", "invalid"));
    assert_eq!(with(json!([{ "type": "FLOW", "text": "x" }])), found("components[1].buttons[0].type", "unsupported"));
    let url = |url: &str| with(json!([{ "type": "URL", "text": "x", "url": url, "example": ["y"] }]));
    assert_eq!(url("shop.example"), found("components[1].buttons[0].url", "invalid"));
    assert_eq!(url("https://a.example/{{1}}/x"), found("components[1].buttons[0].url", "too-many-variables"));
    let without_sample = json!([{ "type": "URL", "text": "x", "url": "https://a.example/{{1}}" }]);
    assert_eq!(with(without_sample), found("components[1].buttons[0].example", "sample-missing"));
    assert_eq!(
        with(json!([{ "type": "COPY_CODE", "example": "x".repeat(16) }])),
        found("components[1].buttons[0].example", "sample-missing")
    );
}

#[test]
fn templates_for_codes_have_their_own_form() {
    let codes = |components| codes(Category::Authentication, ParameterFormat::Positional, components);
    let buttons = json!({ "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "copy_code", "text": "Copy" }] });
    let body = json!({ "type": "BODY", "add_security_recommendation": true });
    assert_eq!(codes(json!([body, { "type": "FOOTER", "code_expiration_minutes": 10 }, buttons])), []);
    assert_eq!(codes(json!([body])), found("components", "button-missing"));
    assert_eq!(codes(json!([{ "type": "BODY", "text": "Your code" }, buttons])), found("components[0].text", "not-allowed"));
    let late = json!([body, { "type": "FOOTER", "code_expiration_minutes": 91 }, buttons]);
    assert_eq!(codes(late), found("components[1].code_expiration_minutes", "out-of-range"));
    let reply = json!({ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "x" }] });
    assert_eq!(codes(json!([body, reply])), found("components[1].buttons", "otp-missing"));
}
