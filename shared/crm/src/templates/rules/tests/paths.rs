//! Where a broken rule is told.

use serde_json::{Value, json};

use super::{codes, found, marketing};
use crate::templates::model::{Category, ParameterFormat};

fn card(text: &str, button: &Value) -> Value {
    json!({ "components": [
        { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["file:0197a1b2-0000-7000-8000-000000000000"] } },
        { "type": "BODY", "text": text },
        { "type": "BUTTONS", "buttons": [button] },
    ] })
}

fn cards(list: &Value) -> Vec<(String, &'static str)> {
    marketing(json!([{ "type": "FOOTER", "text": "x" }, { "type": "BODY", "text": "New" }, { "type": "CAROUSEL", "cards": list }]))
        .into_iter()
        .filter(|(field, _)| field != "components[0].type")
        .collect()
}

#[test]
fn a_card_is_named_from_the_outside_in() {
    let reply = json!({ "type": "QUICK_REPLY", "text": "Yes" });
    let good = card("Nice", &reply);
    assert_eq!(cards(&json!([good, good])), []);
    assert_eq!(cards(&json!([card(" ", &reply), good])), found("components[2].cards[0].components[1].text", "missing"));
    let long = card("Nice", &json!({ "type": "QUICK_REPLY", "text": "x".repeat(26) }));
    assert_eq!(cards(&json!([good, long])), found("components[2].cards[1].components[2].buttons[0].text", "too-long"));
    let mut bare = good.clone();
    bare["components"][0]["example"] = json!({ "header_handle": "4::x" });
    assert_eq!(cards(&json!([good, bare])), found("components[2].cards[1].components[0].example.header_handle", "sample-missing"));
    let linked = card("Nice", &json!({ "type": "URL", "text": "See", "url": "https://a.example/{{1}}" }));
    let at = |index: usize| (format!("components[2].cards[{index}].components[2].buttons[0].example"), "sample-missing");
    assert_eq!(cards(&json!([linked, linked])), [at(0), at(1)]);
    let differs = card("Nice", &json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "1" }));
    assert_eq!(cards(&json!([good, differs])), found("components[2].cards[1].components[2].buttons", "card-differs"));
    assert_eq!(cards(&json!([good, 7])), found("components[2].cards[1].components", "missing"));
    let variable = card("For {{2}} only", &reply);
    assert_eq!(cards(&json!([good, variable])), found("components[2].cards[1].components[1].text", "placeholder-order"));
}

#[test]
fn beside_offers_and_carousels_the_other_component_is_named() {
    let offer = |rest: Value| {
        let mut components = vec![
            json!({ "type": "BODY", "text": "Hello." }),
            json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "20 % off", "has_expiration": true } }),
        ];
        components.extend(rest.as_array().expect("a list").iter().cloned());
        marketing(Value::Array(components))
    };
    let coupon = json!({ "type": "COPY_CODE", "example": ["SAVE20"] });
    let link = json!({ "type": "URL", "text": "Shop", "url": "https://a.example" });
    let buttons = json!({ "type": "BUTTONS", "buttons": [coupon, link] });
    assert_eq!(offer(json!([buttons])), []);
    assert_eq!(offer(json!([])), found("components", "button-missing"));
    assert_eq!(offer(json!([buttons, { "type": "FOOTER", "text": "x" }])), found("components[3].type", "not-allowed"));
    let text = json!({ "type": "HEADER", "text": "x" });
    assert_eq!(offer(json!([text, buttons])), found("components[2].format", "not-allowed"));
    let wrong = json!({ "type": "BUTTONS", "buttons": [link, coupon, link] });
    assert_eq!(
        offer(json!([wrong])),
        [found("components[2].buttons[1].type", "order"), found("components[2].buttons[2].type", "too-many")].concat()
    );
    let alone = json!([{ "type": "BODY", "text": "Hello." }, { "type": "LIMITED_TIME_OFFER", "limited_time_offer": 7 }, buttons]);
    assert_eq!(marketing(alone), found("components[1].limited_time_offer.text", "missing"));
    let beside =
        json!([{ "type": "BODY", "text": "Hello." }, buttons, { "type": "CAROUSEL", "cards": [card("a", &link), card("b", &link)] }]);
    assert_eq!(marketing(beside), found("components[1].type", "not-allowed"));
}

#[test]
fn buttons_are_named_by_index_and_field() {
    let with = |buttons: Value| marketing(json!([{ "type": "BODY", "text": "Hello." }, { "type": "BUTTONS", "buttons": buttons }]));
    let at = |field: &str, code| found(&format!("components[1].buttons[0].{field}"), code);
    let one = |button: Value| with(json!([button]));
    assert_eq!(one(json!(7)), at("type", "unsupported"));
    assert_eq!(one(json!({ "type": "SPM", "text": "See" })), at("type", "unsupported"));
    assert_eq!(one(json!({ "type": "OTP", "otp_type": "COPY_CODE" })), at("type", "unsupported"));
    assert_eq!(one(json!({ "type": "FLOW", "text": "Book" })), at("flow_id", "one-of"));
    assert_eq!(one(json!({ "type": "FLOW", "text": "Book", "flow_name": "" })), at("flow_name", "invalid"));
    assert_eq!(one(json!({ "type": "FLOW", "text": "Book", "flow_id": "1", "flow_action": 7 })), at("flow_action", "unknown-value"));
    assert_eq!(one(json!({ "type": "VOICE_CALL", "text": "Call", "ttl_minutes": "1440" })), at("ttl_minutes", "out-of-range"));
    assert_eq!(one(json!({ "type": "VOICE_CALL", "text": "Call", "ttl_minutes": 1440.0 })), at("ttl_minutes", "out-of-range"));
    assert_eq!(one(json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "( )" })), at("phone_number", "invalid"));
    assert_eq!(one(json!({ "type": "COPY_CODE", "example": ["a", "b"] })), at("example", "sample-missing"));
    assert_eq!(one(json!({ "type": "MPM", "text": "See" })), at("type", "header-missing"));
    let two = json!([{ "type": "CATALOG", "text": "Shop" }, { "type": "QUICK_REPLY", "text": "Yes" }]);
    assert_eq!(with(two), at("type", "not-alone"));
    assert_eq!(one(json!({ "type": "CALL_PERMISSION_REQUEST" })), at("type", "unsupported"));
    let link = json!({ "type": "URL", "text": "Shop", "url": "https://shop.example" });
    assert_eq!(with(json!([link, link, link])), found("components[1].buttons[2].type", "too-many"));
}

#[test]
fn templates_for_codes_have_their_own_form() {
    let codes = |components| codes(Category::Authentication, ParameterFormat::Positional, components);
    let button = |button: Value| json!([{ "type": "BODY" }, { "type": "BUTTONS", "buttons": [button] }]);
    let at = |field: &str, code| found(&format!("components[1].buttons[0].{field}"), code);
    assert_eq!(codes(button(json!({ "type": "otp", "otp_type": "copy_code", "text": "Copy" }))), []);
    assert_eq!(codes(button(json!({ "type": "OTP", "otp_type": "COPY_CODE", "text": "" }))), at("text", "missing"));
    assert_eq!(
        codes(button(json!({ "type": "OTP", "otp_type": "COPY_CODE", "autofill_text": "x".repeat(26) }))),
        at("autofill_text", "too-long")
    );
    assert_eq!(codes(button(json!({ "type": "OTP" }))), at("otp_type", "unknown-value"));
    assert_eq!(codes(button(json!({ "type": "OTP", "otp_type": "ONE_TAP" }))), at("supported_apps", "missing"));
    let app = |package: &str, hash: &str| json!({ "package_name": package, "signature_hash": hash });
    let apps = |list: Value| codes(button(json!({ "type": "OTP", "otp_type": "ONE_TAP", "supported_apps": list })));
    let good = app("com.example", "K8a/AINcGX7");
    assert_eq!(apps(json!([good])), []);
    for package in ["example", "com.", ".example", "com.1x", "com._x", "com.é", "com.ex ample", ""] {
        assert_eq!(apps(json!([good, app(package, "K8a/AINcGX7")])), at("supported_apps[1].package_name", "invalid"), "{package}");
    }
    for hash in ["K8a/AINcGX", "K8a/AINcGX7=", "K8a-AINcGX7", "ééééééééééé", ""] {
        assert_eq!(apps(json!([app("com.example", hash)])), at("supported_apps[0].signature_hash", "invalid"), "{hash}");
    }
    let zero = json!({ "type": "OTP", "otp_type": "ZERO_TAP", "supported_apps": [good] });
    assert_eq!(codes(button(zero)), at("zero_tap_terms_accepted", "not-accepted"));
    let reply = json!({ "type": "QUICK_REPLY", "text": "x" });
    assert_eq!(codes(button(reply)), found("components[1].buttons", "otp-missing"));
    assert_eq!(codes(json!([{ "type": "BODY" }])), found("components", "button-missing"));
}

#[test]
fn all_that_is_broken_is_told_in_order() {
    let broken = json!([
        { "type": "HEADER", "format": "GIF" },
        { "type": "BODY", "text": "{{1}} and {{2}}" },
        { "type": "FOOTER", "text": "x".repeat(61) },
        { "type": "BODY" },
    ]);
    assert_eq!(
        marketing(broken),
        [
            found("components[0].format", "unsupported"),
            found("components[1].example.body_text", "sample-missing"),
            found("components[1].text", "edge-variable"),
            found("components[1].text", "too-many-variables"),
            found("components[2].text", "too-long"),
            found("components[3].type", "duplicate"),
        ]
        .concat()
    );
}
