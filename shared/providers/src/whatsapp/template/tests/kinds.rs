//! The sending form and the preview of every kind of component but cards.

use serde_json::{Value, json};

use super::super::*;

pub(super) fn compiled(components: &Value) -> CompiledTemplate {
    CompiledTemplate::compile(&content(components)).unwrap()
}

fn content(components: &Value) -> Value {
    json!({"name": "spring_sale", "language": "en_US", "components": components})
}

/// The components of the request, as they are written.
pub(super) fn sent(components: &Value, values: &[(&str, &str)]) -> Result<Value, RenderError> {
    let mut out = Vec::new();
    compiled(components).render("+4915123456789", values, "o", &mut out)?;
    let request: Value = serde_json::from_slice(&out).unwrap();
    Ok(request["template"]["components"].clone())
}

pub(super) fn seen(components: &Value, values: &[(&str, &str)]) -> Value {
    serde_json::to_value(compiled(components).render_text(values).unwrap()).unwrap()
}

pub(super) fn names(components: &Value) -> (Vec<String>, Vec<String>) {
    let compiled = compiled(components);
    (compiled.variable_names().map(str::to_owned).collect(), compiled.optional_variable_names().map(str::to_owned).collect())
}

pub(super) fn code(components: &Value, values: &[(&str, &str)]) -> (String, &'static str) {
    let error = sent(components, values).unwrap_err();
    assert_eq!(compiled(components).check(values), Err(error.clone()));
    (error.variable().to_owned(), error.code())
}

fn with_button(button: &Value) -> Value {
    json!([{"type": "BODY", "text": "Look"}, {"type": "BUTTONS", "buttons": [button]}])
}

#[test]
fn a_location_header() {
    let components = json!([{"type": "HEADER", "format": "LOCATION"}, {"type": "BODY", "text": "Here, {{1}}, it is"}]);
    let place = [("header.location.latitude", "37.44211676562361"), ("header.location.longitude", "-122.16155960083124"), ("1", "Ada")];
    let named = [place.as_slice(), &[("header.location.name", "Philz \"Coffee\""), ("header.location.address", "101 Forest Ave")]].concat();
    assert_eq!(
        names(&components),
        (
            ["header.location.latitude", "header.location.longitude", "1"].map(str::to_owned).to_vec(),
            ["header.location.name", "header.location.address"].map(str::to_owned).to_vec(),
        )
    );
    assert_eq!(
        sent(&components, &named).unwrap()[0],
        json!({"type": "header", "parameters": [{"type": "location", "location": {
            "latitude": "37.44211676562361", "longitude": "-122.16155960083124",
            "name": "Philz \"Coffee\"", "address": "101 Forest Ave",
        }}]})
    );
    assert_eq!(
        sent(&components, &place).unwrap()[0]["parameters"][0]["location"],
        json!({"latitude": "37.44211676562361", "longitude": "-122.16155960083124"})
    );
    assert_eq!(
        seen(&components, &named)["header"],
        json!({"type": "location", "latitude": "37.44211676562361", "longitude": "-122.16155960083124",
               "name": "Philz \"Coffee\"", "address": "101 Forest Ave"})
    );
    assert_eq!(seen(&components, &place)["header"]["name"], Value::Null);
}

#[test]
fn coordinates_are_decimal_degrees() {
    let components = json!([{"type": "HEADER", "format": "LOCATION"}, {"type": "BODY", "text": "Here"}]);
    let at = |latitude: &str, longitude: &str| {
        sent(&components, &[("header.location.latitude", latitude), ("header.location.longitude", longitude)]).map(drop)
    };
    for (latitude, longitude) in [("0", "0"), ("-90", "180"), ("90.0", "-180.000"), ("52.52", "13.405")] {
        assert_eq!(at(latitude, longitude), Ok(()), "{latitude} {longitude}");
    }
    for latitude in ["90.1", "-91", "1e1", "north", "+5", ".5", "5.", "-", "--5", "NaN", "inf", "5,2", "5 2", "1.2.3"] {
        assert_eq!(at(latitude, "0").unwrap_err().code(), "variable-coordinate", "{latitude}");
    }
    assert_eq!(at("0", "180.5"), Err(RenderError::NotACoordinate("header.location.longitude".to_owned())));
    assert_eq!(at("", "0").unwrap_err().code(), "variable-empty");
}

#[test]
fn an_offer_that_ends() {
    let components = json!([
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}},
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Expiring offer!", "has_expiration": true}},
        {"type": "BODY", "text": "Good news, {{1}}! Use it soon."},
        {"type": "BUTTONS", "buttons": [
            {"type": "COPY_CODE", "example": ["CARIBE25"]},
            {"type": "URL", "text": "Book now!", "url": "https://example.com/offers?code={{1}}", "example": ["https://example.com/offers?ref=n3mtql"]},
        ]},
    ]);
    let values = [
        ("header.image", "1602186516975000"),
        ("1", "Pablo"),
        ("limited_time_offer.expiration_time_ms", "1698562800000"),
        ("button.0.1", "CARIBE25"),
        ("button.1.1", "n3mtql"),
    ];
    assert_eq!(names(&components).0, values.map(|(name, _)| name));
    assert_eq!(
        sent(&components, &values).unwrap(),
        json!([
            {"type": "header", "parameters": [{"type": "image", "image": {"id": "1602186516975000"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Pablo"}]},
            {"type": "limited_time_offer", "parameters": [
                {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_698_562_800_000_u64}},
            ]},
            {"type": "button", "sub_type": "copy_code", "index": "0", "parameters": [{"type": "coupon_code", "coupon_code": "CARIBE25"}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "n3mtql"}]},
        ])
    );
    let shown = seen(&components, &values);
    assert_eq!(shown["offer"], json!({"text": "Expiring offer!", "expirationTimeMs": 1_698_562_800_000_u64}));
    assert_eq!(
        shown["buttons"],
        json!([
            {"kind": "COPY_CODE", "label": "Copy offer code", "target": "CARIBE25"},
            {"kind": "URL", "label": "Book now!", "target": "https://example.com/offers?code=n3mtql"},
        ])
    );
    for wrong in ["tomorrow", "-1", "1.5", "0", "01", "1 0", "1234567890123456"] {
        let values = values.map(|(name, value)| (name, if name.starts_with("limited") { wrong } else { value }));
        assert_eq!(code(&components, &values).1, "variable-milliseconds", "{wrong}");
    }
}

#[test]
fn an_offer_without_an_end_sends_nothing_of_it() {
    let components = json!([
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Spring"}},
        {"type": "BODY", "text": "Look"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Go", "url": "https://example.com/"}]},
    ]);
    assert_eq!(sent(&components, &[]).unwrap(), Value::Null);
    assert_eq!(seen(&components, &[])["offer"], json!({"text": "Spring", "expirationTimeMs": null}));
}

#[test]
fn a_flow_has_a_token_or_the_default() {
    let components =
        with_button(&json!({"type": "FLOW", "text": "Sign up", "flow_id": "826", "flow_action": "NAVIGATE", "navigate_screen": "A"}));
    assert_eq!(names(&components), (vec![], vec!["button.0.flow_token".to_owned()]));
    let button = |token: &str| json!([{"type": "button", "sub_type": "flow", "index": "0", "parameters": [{"type": "action", "action": {"flow_token": token}}]}]);
    assert_eq!(sent(&components, &[]).unwrap(), button("unused"));
    assert_eq!(sent(&components, &[("button.0.flow_token", " ")]).unwrap(), button("unused"));
    assert_eq!(sent(&components, &[("button.0.flow_token", "t-\"1\"")]).unwrap(), button("t-\"1\""));
    assert_eq!(seen(&components, &[])["buttons"], json!([{"kind": "FLOW", "label": "Sign up", "target": "826"}]));
    let by_number = with_button(&json!({"type": "FLOW", "text": "Sign up", "flow_id": 826}));
    assert_eq!(seen(&by_number, &[])["buttons"][0]["target"], "826");
    let long = "t".repeat(1025);
    assert_eq!(code(&components, &[("button.0.flow_token", &long)]), ("button.0.flow_token".to_owned(), "variable-too-long"));
    assert_eq!(code(&components, &[("button.0.flow_token", "a\nb")]).1, "variable-line-break");
}

#[test]
fn a_catalog_has_a_picture_or_that_of_its_first_product() {
    let components = with_button(&json!({"type": "CATALOG", "text": "View catalog"}));
    assert_eq!(names(&components), (vec![], vec!["button.0.thumbnail_product_retailer_id".to_owned()]));
    assert_eq!(sent(&components, &[]).unwrap(), json!([{"type": "button", "sub_type": "catalog", "index": "0"}]));
    assert_eq!(
        sent(&components, &[("button.0.thumbnail_product_retailer_id", "2lc20305pt")]).unwrap(),
        json!([{"type": "button", "sub_type": "catalog", "index": "0", "parameters": [
            {"type": "action", "action": {"thumbnail_product_retailer_id": "2lc20305pt"}},
        ]}])
    );
    assert_eq!(seen(&components, &[])["buttons"], json!([{"kind": "CATALOG", "label": "View catalog", "target": null}]));
}

#[test]
fn several_products_stand_in_a_section() {
    let components = json!([
        {"type": "HEADER", "format": "TEXT", "text": "Your cart"},
        {"type": "BODY", "text": "You forgot something"},
        {"type": "BUTTONS", "buttons": [{"type": "MPM", "text": "View items"}]},
    ]);
    let values = |title: &'static str, products: &'static str| {
        [("button.0.thumbnail_product_retailer_id", "SKU1"), ("button.0.section_title", title), ("button.0.product_retailer_ids", products)]
    };
    assert_eq!(names(&components).0, values("", "").map(|(name, _)| name));
    assert_eq!(
        sent(&components, &values("Popular \"Bundles\"", "SKU1, SKU2,a/b")).unwrap(),
        json!([{"type": "button", "sub_type": "mpm", "index": "0", "parameters": [{"type": "action", "action": {
            "thumbnail_product_retailer_id": "SKU1",
            "sections": [{"title": "Popular \"Bundles\"", "product_items": [
                {"product_retailer_id": "SKU1"}, {"product_retailer_id": "SKU2"}, {"product_retailer_id": "a/b"},
            ]}],
        }}]}])
    );
    assert_eq!(code(&components, &values("a title of 25 characters!", "SKU1")).1, "variable-too-long");
    for blank in ["SKU1,,SKU2", ",", "SKU1,", " ,SKU1"] {
        assert_eq!(code(&components, &values("Bundles", blank)).1, "variable-product", "{blank}");
    }
    let many = ["x"; 31].join(",");
    let limit = ["x"; 30].join(",");
    let of = |products: &str| {
        let [thumbnail, title, (name, _)] = values("Bundles", "");
        sent(&components, &[thumbnail, title, (name, products)]).map(drop)
    };
    assert_eq!(of(&limit), Ok(()));
    assert_eq!(of(&many).unwrap_err().code(), "variable-too-many-products");
    assert_eq!(of(&"x".repeat(101)).unwrap_err().code(), "variable-too-long");
}

#[test]
fn buttons_that_need_nothing_are_shown_and_not_sent() {
    let components = json!([{"type": "BODY", "text": "Call"}, {"type": "BUTTONS", "buttons": [
        {"type": "VOICE_CALL", "text": "Call us", "ttl_minutes": 1440},
        {"type": "REQUEST_CONTACT_INFO"},
        {"type": "PHONE_NUMBER", "text": "Phone", "phone_number": "+49 30 123"},
    ]}]);
    assert_eq!(sent(&components, &[]).unwrap(), Value::Null);
    assert_eq!(
        seen(&components, &[])["buttons"],
        json!([
            {"kind": "VOICE_CALL", "label": "Call us", "target": null},
            {"kind": "REQUEST_CONTACT_INFO", "label": "", "target": null},
            {"kind": "PHONE_NUMBER", "label": "Phone", "target": "+49 30 123"},
        ])
    );
}

#[test]
fn a_request_for_permission_to_call_is_a_button_or_a_component() {
    let component = json!([{"type": "BODY", "text": "May we call?"}, {"type": "call_permission_request"}]);
    for components in [component, with_button(&json!({"type": "CALL_PERMISSION_REQUEST"}))] {
        assert_eq!(sent(&components, &[]).unwrap(), Value::Null);
        assert_eq!(seen(&components, &[])["buttons"], json!([{"kind": "CALL_PERMISSION_REQUEST", "label": "", "target": null}]));
    }
}

#[test]
fn a_one_time_code_is_shown_with_its_sentences() {
    let created = |minutes: u32, otp_type: &str| {
        json!([
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": minutes},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": otp_type}]},
        ])
    };
    let shown = compiled(&created(5, "COPY_CODE")).render_text(&[("1", "123456")]).unwrap();
    assert_eq!(shown.body, "*123456* is your verification code. For your security, do not share this code.");
    assert_eq!(shown.footer.as_deref(), Some("This code expires in 5 minutes."));
    assert_eq!(serde_json::to_value(&shown.buttons).unwrap(), json!([{"kind": "OTP", "label": "Copy code", "target": "123456"}]));
    let bold = json!({"type": "bold", "content": [{"type": "text", "text": "123456"}]});
    assert_eq!(serde_json::to_value(shown.formatted()).unwrap()["body"][0]["content"][0], bold);
    let shown = seen(&created(1, "ONE_TAP"), &[("1", "123456")]);
    assert_eq!((&shown["footer"], &shown["buttons"][0]["label"]), (&json!("This code expires in 1 minute."), &json!("Autofill")));
    let listed = json!([
        {"type": "BODY", "text": "*{{1}}* ist dein Code.", "add_security_recommendation": false},
        {"type": "FOOTER", "text": "Er gilt 5 Minuten.", "code_expiration_minutes": 5},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Kopieren", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}]},
    ]);
    let shown = seen(&listed, &[("1", "123456")]);
    assert_eq!((&shown["body"], &shown["footer"]), (&json!("*123456* ist dein Code."), &json!("Er gilt 5 Minuten.")));
    assert_eq!(shown["buttons"], json!([{"kind": "OTP", "label": "Kopieren", "target": "123456"}]));
}

#[test]
fn only_bodies_and_footers_take_marks() {
    let components = json!([
        {"type": "HEADER", "format": "TEXT", "text": "For {{1}}"},
        {"type": "BODY", "text": "Hi {{1}}, *50 %* off"},
        {"type": "FOOTER", "text": "_Bye_"},
    ]);
    let shown = compiled(&components).render_text(&[("header.1", "*Ada*"), ("1", "_Ada_")]).unwrap();
    let formatted = serde_json::to_value(shown.formatted()).unwrap();
    let text = |text: &str| json!({"type": "text", "text": text});
    assert_eq!(formatted["header"], json!([{"type": "paragraph", "content": [text("For *Ada*")]}]));
    assert_eq!(formatted["body"][0]["content"][1], json!({"type": "italic", "content": [text("Ada")]}));
    assert_eq!(formatted["body"][0]["content"][3], json!({"type": "bold", "content": [text("50 %")]}));
    assert_eq!(formatted["footer"][0]["content"], json!([{"type": "italic", "content": [text("Bye")]}]));
}

#[test]
fn all_problems_are_told_at_once() {
    let components = json!([{"type": "BODY", "text": "Hi {{1}}, {{2}} and {{3}}!"}, {"type": "BUTTONS", "buttons": [
        {"type": "COPY_CODE", "example": ["A"]}, {"type": "FLOW", "text": "Go", "flow_id": "1"},
    ]}]);
    let values = [("2", "a\nb"), ("3", "fine"), ("button.0.1", "1234567890123456")];
    let problems: Vec<_> =
        compiled(&components).problems(&values).iter().map(|error| (error.variable().to_owned(), error.code())).collect();
    let expected = [("1", "variable-missing"), ("2", "variable-line-break"), ("button.0.1", "variable-too-long")];
    assert_eq!(problems, expected.map(|(name, code)| (name.to_owned(), code)));
}

#[test]
fn what_no_card_or_template_has_is_refused() {
    let error = |components: Value| CompiledTemplate::compile(&content(&components)).unwrap_err();
    let body = json!({"type": "BODY", "text": "Hi"});
    let carousel = |cards: Value| json!([body, {"type": "CAROUSEL", "cards": cards}]);
    assert!(matches!(error(carousel(json!([]))), CompileError::Unsupported(_)));
    assert!(matches!(error(carousel(json!([{"components": [{"type": "FOOTER", "text": "x"}]}]))), CompileError::Unsupported(_)));
    let nested = json!([{"components": [{"type": "CAROUSEL", "cards": [{"components": []}]}]}]);
    assert!(matches!(error(carousel(nested)), CompileError::Unsupported(_)));
    let gap = json!([{"components": [{"type": "BODY", "text": "{{2}}"}]}]);
    assert!(matches!(error(carousel(gap)), CompileError::Gap { expected: 1 }));
    assert!(matches!(error(json!([body, {"type": "LIMITED_TIME_OFFER"}])), CompileError::Unsupported(_)));
    let offer = json!({"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "x"}});
    assert!(matches!(error(json!([body, offer, offer])), CompileError::Twice("limited_time_offer")));
}
