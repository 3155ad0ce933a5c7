//! Offers, carousels and one-time codes.

use super::*;

fn url() -> Value {
    json!({ "type": "URL", "text": "Look", "url": "https://example.com" })
}

fn reply(text: &str) -> Value {
    json!({ "type": "QUICK_REPLY", "text": text })
}

fn image() -> Value {
    json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::x"] } })
}

fn offer_of(offer: Value, buttons: Value) -> Value {
    with("MARKETING", json!([{ "type": "LIMITED_TIME_OFFER", "limited_time_offer": offer }, { "type": "BUTTONS", "buttons": buttons }]))
}

#[test]
fn an_offer_is_short_and_has_its_buttons() {
    let code = json!({ "type": "COPY_CODE", "example": "SPRING" });
    let ending = json!({ "text": "Ends soon", "has_expiration": true });
    taken(&offer_of(ending.clone(), json!([code, url()])));
    refused(&offer_of(ending.clone(), json!([url()])), REST);
    refused(&offer_of(ending, json!([url(), code])), REST);
    for offer in [json!({ "text": "x".repeat(16) }), json!({ "text": "x", "has_expiration": false })] {
        taken(&offer_of(offer.clone(), json!([url()])));
        taken(&offer_of(offer.clone(), json!([code, url()])));
        for buttons in [json!([url(), url()]), json!([code]), json!([url(), reply("No")]), json!([reply("No")])] {
            refused(&offer_of(offer.clone(), buttons), REST);
        }
    }
    refused(&offer_of(json!({ "text": "x".repeat(17) }), json!([url()])), TOO_LONG);
    for bad in [json!(null), json!({}), json!({ "text": " " }), json!({ "text": "{x}" }), json!({ "text": "x", "has_expiration": 1 })] {
        refused(&offer_of(bad, json!([url()])), REST);
    }
    let good = offer_of(json!({ "text": "x" }), json!([url()]));
    refused(&changed(good.clone(), "/category", "UTILITY".into()), PARAMETER);
    taken(&changed(good.clone(), "/components/0/text", "x".repeat(600).into()));
    refused(&changed(good.clone(), "/components/0/text", "x".repeat(601).into()), TOO_LONG);
    let beside = |component: Value| {
        let mut creation = good.clone();
        creation["components"].as_array_mut().unwrap().push(component);
        creation
    };
    taken(&beside(image()));
    refused(&beside(json!({ "type": "HEADER", "format": "TEXT", "text": "Hi" })), HEADER);
    refused(&beside(json!({ "type": "FOOTER", "text": "Bye" })), REST);
    refused(&with("MARKETING", json!([{ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "x" } }])), REST);
}

fn carousel(cards: &[Value]) -> Value {
    let cards: Vec<_> = cards.iter().map(|components| json!({ "components": components })).collect();
    with("MARKETING", json!([{ "type": "CAROUSEL", "cards": cards }]))
}

fn card_of(header: &Value, text: &str, buttons: &Value) -> Value {
    let example = json!({ "body_text": [["Ada"]] });
    json!([header, { "type": "BODY", "text": text, "example": example }, { "type": "BUTTONS", "buttons": buttons }])
}

#[test]
fn a_carousel_has_two_to_ten_cards_and_only_a_body_beside_it() {
    let card = card_of(&image(), "Fresh bread", &json!([reply("Yes"), url()]));
    taken(&carousel(&vec![card.clone(); 2]));
    taken(&carousel(&vec![card.clone(); 10]));
    refused(&carousel(std::slice::from_ref(&card)), PARAMETER);
    refused(&carousel(&vec![card.clone(); 11]), TOO_LONG);
    let good = carousel(&vec![card; 2]);
    refused(&changed(good.clone(), "/category", "UTILITY".into()), PARAMETER);
    for beside in [image(), json!({ "type": "FOOTER", "text": "Bye" }), json!({ "type": "BUTTONS", "buttons": [url()] })] {
        let mut creation = good.clone();
        creation["components"].as_array_mut().unwrap().push(beside);
        refused(&creation, PARAMETER);
    }
    refused(&with("MARKETING", json!([{ "type": "CAROUSEL" }])), PARAMETER);
    refused(&with("MARKETING", json!([{ "type": "CAROUSEL", "cards": [{}, {}] }])), PARAMETER);
}

#[test]
fn cards_keep_the_rules_of_their_parts() {
    let two = |card: &Value| carousel(&[card.clone(), card.clone()]);
    let text = |text: &str| two(&card_of(&image(), text, &json!([url()])));
    taken(&text(&"x".repeat(160)));
    refused(&text(&"x".repeat(161)), TOO_LONG);
    taken(&text("a\nb\nc"));
    refused(&text("a\nb\nc\nd"), BODY);
    refused(&text(" "), BODY);
    taken(&text("For {{1}}!"));
    refused(&text("For {{1}}"), EDGE);
    refused(&text("For {{2}}!"), BODY);
    let neighbours = card_of(&image(), "For {{1}} {{2}}!", &json!([url()]));
    let neighbours = changed(two(&neighbours), "/components/1/cards/0/components/1/example/body_text", json!([["a", "b"]]));
    refused(&changed(neighbours, "/components/1/cards/1/components/1/example/body_text", json!([["a", "b"]])), "INVALID_FORMAT");
    // A card needs no body, but header and buttons.
    let buttons = json!({ "type": "BUTTONS", "buttons": [url()] });
    taken(&two(&json!([image(), buttons])));
    refused(&two(&json!([buttons])), HEADER);
    refused(&two(&json!([image()])), REST);
    refused(&two(&json!([image(), buttons, { "type": "FOOTER", "text": "Bye" }])), PARAMETER);
    refused(&two(&json!([image(), image(), buttons])), PARAMETER);
    refused(&two(&json!([{ "type": "HEADER", "format": "IMAGE" }, buttons])), HEADER);
    refused(&two(&json!([{ "type": "HEADER", "format": "TEXT", "text": "Hi" }, buttons])), HEADER);
    let phone = json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1" });
    let of = |buttons: Value| two(&card_of(&image(), "Bread", &buttons));
    taken(&of(json!([url(), url()])));
    taken(&of(json!([phone, reply("Yes")])));
    refused(&of(json!([phone, phone])), REST);
    refused(&of(json!([url(), url(), url()])), TOO_LONG);
    refused(&of(json!([])), REST);
    refused(&of(json!([{ "type": "COPY_CODE", "example": "x" }])), REST);
    refused(&of(json!([{ "type": "SPM", "text": "View" }])), REST);
}

#[test]
fn cards_of_products_have_one_button_and_all_cards_are_alike() {
    let product = json!({ "type": "HEADER", "format": "PRODUCT" });
    let card = |buttons: Value| json!([product, { "type": "BUTTONS", "buttons": buttons }]);
    let spm = json!({ "type": "SPM", "text": "View" });
    for button in [spm.clone(), url()] {
        taken(&carousel(&[card(json!([button])), card(json!([button]))]));
    }
    refused(&carousel(&[card(json!([spm, url()])), card(json!([spm, url()]))]), REST);
    refused(&carousel(&[card(json!([reply("Yes")])), card(json!([reply("Yes")]))]), REST);

    let video = json!({ "type": "HEADER", "format": "VIDEO", "example": { "header_handle": ["4::x"] } });
    let (a, b) = (json!([url(), reply("Yes")]), json!([reply("Yes"), url()]));
    let plain = card_of(&image(), "Bread", &a);
    taken(&carousel(&[plain.clone(), card_of(&image(), "Cake", &a)]));
    let bodiless = json!([image(), { "type": "BUTTONS", "buttons": a }]);
    for other in [card_of(&video, "Bread", &a), card_of(&image(), "Bread", &b), card_of(&image(), "Bread", &json!([url()])), bodiless] {
        refused(&carousel(&[plain.clone(), other]), PARAMETER);
    }
}

fn code_of(body: Value, footer: Option<Value>, button: Value) -> Value {
    let mut components = vec![body];
    components.extend(footer);
    components.push(json!({ "type": "BUTTONS", "buttons": [button] }));
    creation("AUTHENTICATION", components.into())
}

#[test]
fn templates_for_codes_have_no_texts_of_their_own() {
    let body = json!({ "type": "BODY", "add_security_recommendation": true });
    let button = json!({ "type": "otp", "otp_type": "copy_code", "text": "Copy" });
    let code = |body: Value, footer: Option<Value>| code_of(body, footer, button.clone());
    taken(&code(body.clone(), None));
    taken(&code(json!({ "type": "BODY" }), None));
    refused(&code(json!({ "type": "BODY", "text": "Your code is {{1}}." }), None), BODY);
    refused(&code(json!({ "type": "BODY", "add_security_recommendation": "yes" }), None), BODY);
    for minutes in [1, 90] {
        taken(&code(body.clone(), Some(json!({ "type": "FOOTER", "code_expiration_minutes": minutes }))));
    }
    for footer in [
        json!({ "type": "FOOTER", "code_expiration_minutes": 0 }),
        json!({ "type": "FOOTER", "code_expiration_minutes": 91 }),
        json!({ "type": "FOOTER", "code_expiration_minutes": "5" }),
        json!({ "type": "FOOTER" }),
        json!({ "type": "FOOTER", "text": "Soon", "code_expiration_minutes": 5 }),
    ] {
        refused(&code(body.clone(), Some(footer)), REST);
    }
    refused(&code(body.clone(), Some(image())), BODY);
    refused(&creation("AUTHENTICATION", json!([body])), REST);
    refused(&creation("AUTHENTICATION", json!([body, { "type": "BUTTONS", "buttons": [button, button] }])), REST);
    refused(&code_of(body, None, url()), REST);
}

#[test]
fn the_button_of_a_code_names_its_apps() {
    let body = json!({ "type": "BODY" });
    let apps = |n: usize| json!(vec![json!({ "package_name": "com.example.app", "signature_hash": "K8a/AINcGX7" }); n]);
    let button = |kind: &str, apps: Value| {
        let mut button = json!({ "type": "OTP", "otp_type": kind, "supported_apps": apps });
        button["zero_tap_terms_accepted"] = (kind == "ZERO_TAP").into();
        code_of(body.clone(), None, button)
    };
    taken(&button("COPY_CODE", json!(null)));
    for kind in ["ONE_TAP", "ZERO_TAP"] {
        taken(&button(kind, apps(1)));
        taken(&button(kind, apps(5)));
        refused(&button(kind, apps(0)), REST);
        refused(&button(kind, apps(6)), TOO_LONG);
        refused(&button(kind, json!(null)), REST);
    }
    refused(&button("THREE_TAP", apps(1)), REST);
    let app = |package: &str, hash: &str| button("ONE_TAP", json!([{ "package_name": package, "signature_hash": hash }]));
    taken(&app(&format!("com.{}", "x".repeat(220)), "K8a/AINcGX7"));
    for package in ["app", "com.", "com.1app", "com..app", "com.ex-ample", "", &format!("com.{}", "x".repeat(221))] {
        refused(&app(package, "K8a/AINcGX7"), REST);
    }
    for hash in ["K8a/AINcGX", "K8a/AINcGX77", "K8a AINcGX7", ""] {
        refused(&app("com.example", hash), REST);
    }
    let labelled = |name: &str, label: &str| changed(button("ONE_TAP", apps(1)), &format!("/components/1/buttons/0/{name}"), label.into());
    for name in ["text", "autofill_text"] {
        taken(&labelled(name, &"x".repeat(25)));
        refused(&labelled(name, &"x".repeat(26)), TOO_LONG);
        refused(&labelled(name, ""), REST);
    }
    refused(&changed(button("ZERO_TAP", apps(1)), "/components/1/buttons/0/zero_tap_terms_accepted", false.into()), REST);
}
