//! Buttons of every kind.

use super::*;

fn buttons(category: &str, buttons: Value) -> Value {
    with(category, json!([{ "type": "BUTTONS", "buttons": buttons }]))
}

fn one(button: Value) -> Value {
    buttons("UTILITY", json!([button]))
}

fn reply(text: &str) -> Value {
    json!({ "type": "QUICK_REPLY", "text": text })
}

fn url() -> Value {
    json!({ "type": "URL", "text": "Look", "url": "https://example.com" })
}

fn phone() -> Value {
    json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1 (202) 555-0100" })
}

#[test]
fn there_are_one_to_ten_buttons_with_short_labels() {
    taken(&buttons("UTILITY", json!(vec![reply("Yes"); 10])));
    refused(&buttons("UTILITY", json!(vec![reply("Yes"); 11])), TOO_LONG);
    refused(&buttons("UTILITY", json!([])), REST);
    refused(&with("UTILITY", json!([{ "type": "BUTTONS" }])), REST);
    refused(&buttons("UTILITY", json!(["Yes"])), REST);
    taken(&one(reply(&"x".repeat(25))));
    refused(&one(reply(&"x".repeat(26))), TOO_LONG);
    for label in ["", " ", "a\nb", "a {", "b }"] {
        refused(&one(reply(label)), REST);
    }
    // Case is forgiven, kinds unknown are not.
    taken(&one(json!({ "type": "quick_reply", "text": "Yes" })));
    for kind in ["APP", "OTP", "SPM", "BOOK", ""] {
        refused(&one(json!({ "type": kind, "text": "Yes" })), REST);
    }
}

#[test]
fn quick_replies_stand_together() {
    let (a, b) = (reply("Yes"), reply("No"));
    taken(&buttons("UTILITY", json!([a, b, url(), phone()])));
    taken(&buttons("UTILITY", json!([url(), phone(), a, b])));
    refused(&buttons("UTILITY", json!([a, url(), b])), REST);
    refused(&buttons("UTILITY", json!([url(), a, phone()])), REST);
}

#[test]
fn links_have_one_variable_at_their_end() {
    taken(&buttons("UTILITY", json!([url(), url()])));
    refused(&buttons("UTILITY", json!([url(), url(), url()])), TOO_LONG);
    let link = |link: &str| one(json!({ "type": "URL", "text": "Look", "url": link, "example": ["https://example.com/1"] }));
    taken(&link(&format!("https://{}", "x".repeat(1_992))));
    refused(&link(&format!("https://{}", "x".repeat(1_993))), TOO_LONG);
    taken(&link("http://example.com/{{1}}"));
    for bad in [
        "",
        "https://",
        "ftp://example.com",
        "example.com",
        "https://a b",
        "https://e.com/{{1}}/x",
        "https://e.com/{{2}}",
        "https://e.com/{{1}}{{1}}",
        "https://e.com/{{{1}}",
        "https://e.com/{{1}}}",
        "https://e.com/{{1",
        "https://e.com/{{name}}",
    ] {
        refused(&link(bad), REST);
    }
    let sampled = |example: Value| one(json!({ "type": "URL", "text": "Look", "url": "https://e.com/{{1}}", "example": example }));
    taken(&sampled(json!("https://e.com/1")));
    for bad in [json!(null), json!([]), json!([""]), json!(["a", "b"])] {
        refused(&sampled(bad), REST);
    }
    // Links count from 1 also where texts have names.
    taken(&changed(link("https://e.com/{{1}}"), "/parameter_format", "NAMED".into()));
}

#[test]
fn phone_numbers_are_digits() {
    refused(&buttons("UTILITY", json!([phone(), phone()])), TOO_LONG);
    let number = |number: &str| one(json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": number }));
    taken(&number(&"1".repeat(20)));
    refused(&number(&"1".repeat(21)), TOO_LONG);
    for bad in ["", "+ -", "call me", "12.34"] {
        refused(&number(bad), REST);
    }
}

#[test]
fn codes_to_copy_have_a_sample() {
    let code = |example: Value| one(json!({ "type": "COPY_CODE", "example": example }));
    taken(&code(json!(["x".repeat(15)])));
    taken(&code(json!("SPRING")));
    refused(&code(json!(["x".repeat(16)])), TOO_LONG);
    for bad in [json!(null), json!([]), json!([" "]), json!(["a", "b"])] {
        refused(&code(bad), REST);
    }
    let button = json!({ "type": "COPY_CODE", "example": "SPRING" });
    refused(&buttons("UTILITY", json!([button, button])), TOO_LONG);
}

#[test]
fn flows_are_named_in_one_way() {
    let flow = |flow: Value| {
        let mut button = json!({ "type": "FLOW", "text": "Begin" });
        button.as_object_mut().unwrap().extend(flow.as_object().unwrap().clone());
        one(button)
    };
    taken(&flow(json!({ "flow_id": "123" })));
    taken(&flow(json!({ "flow_name": "sign_up", "flow_action": "navigate", "navigate_screen": "FIRST" })));
    for bad in [
        json!({}),
        json!({ "flow_id": "123", "flow_name": "sign_up" }),
        json!({ "flow_id": 123 }),
        json!({ "flow_id": "12a" }),
        json!({ "flow_name": " " }),
        json!({ "flow_id": "123", "flow_action": "JUMP" }),
        json!({ "flow_id": "123", "navigate_screen": "" }),
    ] {
        refused(&flow(bad), REST);
    }
}

#[test]
fn catalogs_and_lists_of_products_stand_alone_in_marketing() {
    let catalog = json!({ "type": "CATALOG", "text": "View" });
    taken(&buttons("MARKETING", json!([catalog])));
    refused(&buttons("UTILITY", json!([catalog])), REST);
    refused(&buttons("MARKETING", json!([catalog, reply("No")])), REST);
    let products = |category: &str, header: Value, rest: Value| {
        let mut list = vec![json!({ "type": "MPM", "text": "View" })];
        list.extend(rest.as_array().unwrap().clone());
        with(category, json!([header, { "type": "BUTTONS", "buttons": list }]))
    };
    let text = json!({ "type": "HEADER", "format": "TEXT", "text": "Our bread" });
    taken(&products("MARKETING", text.clone(), json!([])));
    refused(&products("UTILITY", text.clone(), json!([])), REST);
    refused(&products("MARKETING", text, json!([reply("No")])), REST);
    refused(&products("MARKETING", json!({ "type": "HEADER", "format": "LOCATION" }), json!([])), HEADER);
    refused(&buttons("MARKETING", json!([{ "type": "MPM", "text": "View" }])), HEADER);
}

#[test]
fn calls_and_contacts_are_asked_for_once() {
    let call = |minutes: Value| json!({ "type": "VOICE_CALL", "text": "Call us", "ttl_minutes": minutes });
    taken(&one(json!({ "type": "VOICE_CALL", "text": "Call us" })));
    for minutes in [json!(1_440), json!(43_200)] {
        taken(&one(call(minutes)));
    }
    for minutes in [json!(1_439), json!(43_201), json!("1440"), json!(null)] {
        refused(&one(call(minutes)), REST);
    }
    refused(&buttons("UTILITY", json!([call(json!(1_440)), call(json!(1_440))])), TOO_LONG);
    let permission = json!({ "type": "CALL_PERMISSION_REQUEST" });
    refused(&one(permission), REST);
    let contact = json!({ "type": "REQUEST_CONTACT_INFO" });
    taken(&buttons("UTILITY", json!([contact, reply("No")])));
    refused(&buttons("UTILITY", json!([contact, contact])), TOO_LONG);
}
