use serde_json::{Value, json};

use crate::templates::likeness::says_the_same;

fn whole() -> Value {
    json!([
        { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::aW1n"] } },
        { "type": "BODY", "text": "Hello {{1}},\ntake this.", "example": { "body_text": [["Ada"]] } },
        { "type": "FOOTER", "text": "Not for long" },
        { "type": "BUTTONS", "buttons": [
            { "type": "QUICK_REPLY", "text": "Stop" },
            { "type": "URL", "text": "Look", "url": "https://shop.example/{{1}}", "example": ["spring"] },
            { "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1 (555) 010-0001" },
            { "type": "COPY_CODE", "example": ["SPRING"] },
            { "type": "FLOW", "text": "Begin", "flow_id": "12" },
        ] },
    ])
}

fn offer() -> Value {
    json!([
        { "type": "BODY", "text": "Hello." },
        { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Soon over", "has_expiration": true } },
        { "type": "BUTTONS", "buttons": [
            { "type": "COPY_CODE", "example": ["SPRING"] }, { "type": "URL", "text": "Look", "url": "https://shop.example/" },
        ] },
    ])
}

fn cards() -> Value {
    let card = |text: &str| {
        json!({ "components": [
            { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::aW1n"] } },
            { "type": "BODY", "text": text },
            { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "More" }] },
        ] })
    };
    json!([{ "type": "BODY", "text": "Look." }, { "type": "CAROUSEL", "cards": [card("One"), card("Two")] }])
}

fn code() -> Value {
    json!([
        { "type": "BODY", "add_security_recommendation": true },
        { "type": "FOOTER", "code_expiration_minutes": 10 },
        { "type": "BUTTONS", "buttons": [{
            "type": "OTP", "otp_type": "ONE_TAP", "text": "Copy", "autofill_text": "Fill in",
            "supported_apps": [{ "package_name": "com.example.app", "signature_hash": "K8a/AINcGX7" }],
        }] },
    ])
}

/// The template with another value at a path; none removes it.
fn with(mut template: Value, path: &str, value: Option<Value>) -> Value {
    let (parent, key) = path.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() { &mut template } else { template.pointer_mut(parent).unwrap() };
    match (parent, value) {
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
        (Value::Array(list), None) => drop(list.remove(key.parse().unwrap())),
        (object, Some(value)) => object[key] = value,
        (object, None) => drop(object.as_object_mut().unwrap().remove(key)),
    }
    template
}

#[test]
fn whatever_a_recipient_sees_makes_a_difference() {
    let changes = [
        (whole(), "/0/format", Some(json!("VIDEO"))),
        (whole(), "/0", None),
        (whole(), "/1/text", Some(json!("Hello {{1}}, take that."))),
        (whole(), "/2/text", Some(json!("For long"))),
        (whole(), "/2", None),
        (whole(), "/3/buttons/0/text", Some(json!("Go"))),
        (whole(), "/3/buttons/0/type", Some(json!("VOICE_CALL"))),
        (whole(), "/3/buttons/1/url", Some(json!("https://shop.example/x{{1}}"))),
        (whole(), "/3/buttons/2/phone_number", Some(json!("+1 555 010 0002"))),
        (whole(), "/3/buttons/3", None),
        (whole(), "/3/buttons/4/flow_id", Some(json!("13"))),
        (whole(), "/3/buttons/4/flow_action", Some(json!("DATA_EXCHANGE"))),
        (offer(), "/1/limited_time_offer/text", Some(json!("Over"))),
        (offer(), "/1/limited_time_offer/has_expiration", Some(json!(false))),
        (offer(), "/1", None),
        (cards(), "/1/cards/1/components/1/text", Some(json!("Three"))),
        (cards(), "/1/cards/0/components/0/format", Some(json!("VIDEO"))),
        (cards(), "/1/cards/0/components/2/buttons/0/text", Some(json!("Less"))),
        (cards(), "/1/cards/1", None),
        (code(), "/0/add_security_recommendation", Some(json!(false))),
        (code(), "/1", None),
        (code(), "/1/code_expiration_minutes", Some(json!(5))),
        (code(), "/2/buttons/0/otp_type", Some(json!("COPY_CODE"))),
        (code(), "/2/buttons/0/text", Some(json!("Take"))),
        (code(), "/2/buttons/0/supported_apps/0/signature_hash", Some(json!("K8a/AINcGX8"))),
    ];
    for (template, path, value) in changes {
        assert!(says_the_same(&template, &template), "{template}");
        let other = with(template.clone(), path, value.clone());
        assert!(!says_the_same(&template, &other), "{path} {value:?}");
        assert!(!says_the_same(&other, &template), "{path} {value:?}, the other way round");
    }
}

#[test]
fn the_order_of_buttons_and_cards_makes_a_difference() {
    let mut swapped = whole();
    swapped[3]["buttons"].as_array_mut().unwrap().swap(0, 1);
    assert!(!says_the_same(&whole(), &swapped));
    let mut swapped = cards();
    swapped[1]["cards"].as_array_mut().unwrap().swap(0, 1);
    assert!(!says_the_same(&cards(), &swapped));
}

#[test]
fn what_the_provider_changes_in_its_list_makes_none() {
    let mut reversed = whole();
    reversed.as_array_mut().unwrap().reverse();
    let changes = [
        (whole(), reversed),
        (whole(), with(whole(), "/0/example/header_handle/0", Some(json!("https://scontent.example/sample")))),
        (whole(), with(whole(), "/0/format", Some(json!("image")))),
        (whole(), with(whole(), "/1/text", Some(json!("Hello {{1}},\r\ntake this. ")))),
        (whole(), with(whole(), "/1/example", None)),
        (whole(), with(whole(), "/3/buttons/2/phone_number", Some(json!("+15550100001")))),
        (whole(), with(whole(), "/3/buttons/3/text", Some(json!("Copy offer code")))),
        (whole(), with(whole(), "/3/buttons/4/flow_action", Some(json!("NAVIGATE")))),
        (whole(), with(whole(), "/3/buttons/4/navigate_screen", Some(json!("FIRST")))),
        (with(whole(), "/3/buttons/4", Some(json!({ "type": "FLOW", "text": "Begin", "flow_name": "begin" }))), whole()),
        (whole(), with(whole(), "/3/buttons/0/id", Some(json!("7")))),
    ];
    for (ours, theirs) in changes {
        assert!(says_the_same(&ours, &theirs), "{theirs}");
    }
}

#[test]
fn a_template_for_codes_is_known_in_the_words_of_the_list() {
    let url = "https://www.whatsapp.com/otp/code/?otp_type=ONE_TAP&cta_display_name=Autofill&package_name=com.example.app&code=otp{{1}}";
    let listed = json!([
        { "type": "BODY", "text": "*{{1}}* is your verification code. For your security, do not share this code.", "add_security_recommendation": true },
        { "type": "FOOTER", "text": "This code expires in 10 minutes.", "code_expiration_minutes": 10 },
        { "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "Copy code", "url": url, "example": [url] }] },
    ]);
    assert!(says_the_same(&code(), &listed));
    let copied = with(listed.clone(), "/2/buttons/0/url", Some(json!(url.replace("ONE_TAP", "COPY_CODE"))));
    assert!(!says_the_same(&code(), &copied));
    let plain = with(code(), "/0", Some(json!({ "type": "BODY" })));
    assert!(!says_the_same(&plain, &listed), "ours gives no advice");
}
