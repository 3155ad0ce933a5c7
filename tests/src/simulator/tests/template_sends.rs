//! Sends against the whole definition of a template.
#![expect(clippy::needless_pass_by_value, reason = "JSON made on the spot reads better without an ampersand")]

use super::{super::Review, *};

/// Puts components into approved templates.
struct Desk {
    simulator: Simulator,
    client: Client,
}

impl Desk {
    async fn start() -> Self {
        let (simulator, client) = start(Faults { review_off: true, ..Faults::default() }).await;
        // The number belongs to the account, so that its templates are known for sure.
        client.get(&format!("/v25.0/{NUMBER}")).await;
        client.get(&format!("/v25.0/{ACCOUNT}/phone_numbers")).await;
        Self { simulator, client }
    }

    /// An approved template with these components, marketing unless they are for codes.
    async fn template(&self, name: &str, format: &str, components: Value) {
        let code = components.to_string().contains("OTP");
        let category = if code { "AUTHENTICATION" } else { "MARKETING" };
        let definition = json!({
            "name": name, "language": "en", "category": category, "parameter_format": format, "components": components,
        });
        self.client.create(&definition).await;
        self.simulator.review(name, &Review::Approve);
    }

    async fn sends(&self, name: &str, components: Value) {
        let (status, answer) = self.client.send(&send_of(name, &components)).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{components}: {answer}");
    }

    async fn refuses(&self, name: &str, components: Value, expected: i64) {
        let (_, answer) = self.client.send(&send_of(name, &components)).await.unwrap();
        assert_eq!(answer["error"]["code"], expected, "{components}: {answer}");
        assert!(answer["error"]["error_data"]["details"].is_string());
    }
}

fn send_of(name: &str, components: &Value) -> Value {
    json!({
        "messaging_product": "whatsapp", "to": "+4915112345678", "type": "template",
        "template": { "name": name, "language": { "code": "en" }, "components": components },
    })
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn part(kind: &str, parameters: Value) -> Value {
    json!({ "type": kind, "parameters": parameters })
}

fn button(sub_type: &str, index: Value, parameter: Value) -> Value {
    json!({ "type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter] })
}

fn plain_body() -> Value {
    json!({ "type": "BODY", "text": "Hello there." })
}

#[tokio::test]
async fn values_of_a_body_are_counted_and_measured() {
    let desk = Desk::start().await;
    let body = json!({ "type": "BODY", "text": "Take {{2}} off, {{1}}, really {{2}}!", "example": { "body_text": [["Ada", "20 %"]] } });
    desk.template("offer", "POSITIONAL", json!([body, { "type": "FOOTER", "text": "Bye" }])).await;
    desk.sends("offer", json!([part("body", json!([text("Ada"), text("20 %")]))])).await;
    let money = json!({ "type": "currency", "currency": { "fallback_value": "20 $", "code": "USD", "amount_1000": 20_000 } });
    desk.sends("offer", json!([part("BODY", json!([text("Ada"), money]))])).await;
    desk.refuses("offer", json!([]), 132_000).await;
    desk.refuses("offer", json!([part("body", json!([text("Ada")]))]), 132_000).await;
    desk.refuses("offer", json!([part("body", json!([text("Ada"), text("")]))]), 131_008).await;
    desk.refuses("offer", json!([part("body", json!([text("Ada"), { "type": "image", "image": { "id": "1" } }]))]), 132_012).await;
    desk.refuses("offer", json!([part("body", json!([text("Ada"), text("x\ny")]))]), 132_012).await;
    let values = json!([text("Ada"), text("20 %")]);
    desk.refuses("offer", json!([part("body", values.clone()), part("body", values.clone())]), 100).await;
    desk.refuses("offer", json!([part("body", values.clone()), part("footer", json!([]))]), 100).await;
    desk.refuses("offer", json!([part("body", values), part("header", json!([text("x")]))]), 132_000).await;
    // 20 characters are fixed, and the second value stands there twice.
    let long = |length: usize| json!([part("body", json!([text("Ada"), text(&"x".repeat(length))]))]);
    let fixed = "Take  off, , really !".chars().count();
    let most = (1_024 - fixed - 3) / 2;
    desk.sends("offer", long(most)).await;
    desk.refuses("offer", long(most + 1), 132_005).await;
}

#[tokio::test]
async fn named_values_come_by_name_in_any_order() {
    let desk = Desk::start().await;
    let samples = json!([{ "param_name": "name", "example": "Ada" }, { "param_name": "rate", "example": "20 %" }]);
    let body = json!({ "type": "BODY", "text": "Hi {{name}}, take {{rate}} off!", "example": { "body_text_named_params": samples } });
    desk.template("named", "NAMED", json!([body])).await;
    let value = |name: &str| json!({ "type": "text", "parameter_name": name, "text": "x" });
    desk.sends("named", json!([part("body", json!([value("rate"), value("name")]))])).await;
    desk.refuses("named", json!([part("body", json!([value("rate")]))]), 132_000).await;
    desk.refuses("named", json!([part("body", json!([text("x"), value("rate")]))]), 132_012).await;
    desk.refuses("named", json!([part("body", json!([value("rate"), value("rate")]))]), 132_012).await;
    desk.refuses("named", json!([part("body", json!([value("rate"), value("other")]))]), 132_012).await;
}

#[tokio::test]
async fn headers_take_what_their_format_says() {
    let desk = Desk::start().await;
    for format in ["IMAGE", "VIDEO", "DOCUMENT"] {
        let (name, kind) = (format!("a_{}", format.to_lowercase()), format.to_lowercase());
        let header = json!({ "type": "HEADER", "format": format, "example": { "header_handle": ["4::x"] } });
        desk.template(&name, "POSITIONAL", json!([header, plain_body()])).await;
        let media = |value: Value| json!([part("header", json!([{ "type": kind, kind.as_str(): value }]))]);
        desk.sends(&name, media(json!({ "id": "123" }))).await;
        desk.sends(&name, media(json!({ "link": "https://example.com/x" }))).await;
        desk.refuses(&name, media(json!({})), 131_008).await;
        desk.refuses(&name, media(json!({ "link": "x.png" })), 131_009).await;
        desk.refuses(&name, json!([]), 132_012).await;
        desk.refuses(&name, json!([part("header", json!([text("x")]))]), 132_012).await;
    }
    let header = json!({ "type": "HEADER", "text": "For {{1}}", "example": { "header_text": ["Ada"] } });
    desk.template("titled", "POSITIONAL", json!([header, plain_body()])).await;
    let title = |text_: &str| json!([part("header", json!([text(text_)]))]);
    desk.sends("titled", title(&"x".repeat(56))).await;
    desk.refuses("titled", title(&"x".repeat(57)), 132_005).await;
    desk.refuses("titled", json!([]), 132_000).await;

    desk.template("placed", "POSITIONAL", json!([{ "type": "HEADER", "format": "LOCATION" }, plain_body()])).await;
    let place = |value: Value| json!([part("header", json!([{ "type": "location", "location": value }]))]);
    desk.sends("placed", place(json!({ "latitude": "52.5", "longitude": 13.4, "name": "Bakery", "address": "Main Street 1" }))).await;
    desk.refuses("placed", place(json!({ "latitude": "52.5" })), 131_008).await;
    desk.refuses("placed", place(json!({ "latitude": "91", "longitude": "13" })), 131_009).await;
    desk.refuses("placed", place(json!({ "latitude": "north", "longitude": "13" })), 131_009).await;
    desk.refuses("placed", json!([]), 132_012).await;
}

#[tokio::test]
async fn buttons_take_what_their_kind_says() {
    let desk = Desk::start().await;
    let buttons = json!({ "type": "BUTTONS", "buttons": [
        { "type": "QUICK_REPLY", "text": "Stop" },
        { "type": "URL", "text": "Look", "url": "https://example.com/{{1}}", "example": ["https://example.com/1"] },
        { "type": "URL", "text": "Home", "url": "https://example.com" },
        { "type": "COPY_CODE", "example": "SPRING" },
    ] });
    desk.template("buttons", "POSITIONAL", json!([plain_body(), buttons])).await;
    let link = || button("url", json!("1"), text("a%20b"));
    let coupon = |code: &str| button("copy_code", json!(3), json!({ "type": "coupon_code", "coupon_code": code }));
    desk.sends("buttons", json!([link(), coupon(&"x".repeat(15))])).await;
    let payload = json!({ "type": "payload", "payload": "stop" });
    desk.sends("buttons", json!([button("QUICK_REPLY", json!(0), payload), link(), coupon("x")])).await;
    desk.refuses("buttons", json!([link(), coupon(&"x".repeat(16))]), 131_009).await;
    desk.refuses("buttons", json!([link(), coupon("")]), 131_008).await;
    desk.refuses("buttons", json!([link()]), 131_008).await;
    desk.refuses("buttons", json!([coupon("x")]), 131_008).await;
    desk.refuses("buttons", json!([link(), link(), coupon("x")]), 100).await;
    let both = |other: Value| json!([link(), coupon("x"), other]);
    desk.refuses("buttons", both(button("url", json!(2), text("x"))), 132_000).await;
    desk.refuses("buttons", both(button("url", json!(4), text("x"))), 131_009).await;
    desk.refuses("buttons", both(button("url", json!(0), text("x"))), 132_012).await;
    desk.refuses("buttons", both(json!({ "type": "button", "index": 0, "parameters": [] })), 131_008).await;
    desk.refuses("buttons", json!([button("url", json!("1"), text("a b")), coupon("x")]), 131_009).await;
    desk.refuses("buttons", json!([button("url", json!("1"), text(&"x".repeat(1_981))), coupon("x")]), 132_005).await;
    desk.refuses("buttons", json!([link(), button("copy_code", json!(3), text("x"))]), 132_012).await;
}

#[tokio::test]
async fn a_one_time_code_stands_in_body_and_button() {
    let desk = Desk::start().await;
    let button_of = json!({ "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] });
    desk.template("code", "POSITIONAL", json!([{ "type": "BODY" }, button_of])).await;
    let code = |code: &str| json!([part("body", json!([text(code)])), button("url", json!("0"), text(code))]);
    desk.sends("code", code(&"1".repeat(15))).await;
    desk.refuses("code", code(&"1".repeat(16)), 131_009).await;
    desk.refuses("code", json!([part("body", json!([text("1")]))]), 131_008).await;
    desk.refuses("code", json!([button("url", json!("0"), text("1"))]), 132_000).await;
}

#[tokio::test]
async fn flows_catalogs_and_products_take_actions() {
    let desk = Desk::start().await;
    let action = |kind: &str, action: Value| json!([button(kind, json!("0"), json!({ "type": "action", "action": action }))]);
    let flow = json!({ "type": "BUTTONS", "buttons": [{ "type": "FLOW", "text": "Begin", "flow_id": "1" }] });
    desk.template("flow", "POSITIONAL", json!([plain_body(), flow])).await;
    desk.sends("flow", action("flow", json!({ "flow_token": "unused", "flow_action_data": {} }))).await;
    desk.sends("flow", action("flow", json!({}))).await;
    desk.refuses("flow", json!([]), 131_008).await;
    desk.refuses("flow", action("flow", json!({ "flow_token": 7 })), 131_009).await;
    desk.refuses("flow", action("flow", json!({ "flow_action_data": "x" })), 131_009).await;
    desk.refuses("flow", action("catalog", json!({})), 132_012).await;

    let catalog = json!({ "type": "BUTTONS", "buttons": [{ "type": "CATALOG", "text": "View" }] });
    desk.template("catalog", "POSITIONAL", json!([plain_body(), catalog])).await;
    desk.sends("catalog", json!([])).await;
    desk.sends("catalog", action("CATALOG", json!({ "thumbnail_product_retailer_id": "bread" }))).await;
    desk.refuses("catalog", action("catalog", json!({ "thumbnail_product_retailer_id": " " })), 131_009).await;

    let products = json!({ "type": "BUTTONS", "buttons": [{ "type": "MPM", "text": "View" }] });
    desk.template("products", "POSITIONAL", json!([{ "type": "HEADER", "text": "Bread" }, plain_body(), products])).await;
    let of = |title: &str, items: usize, sections: usize| {
        let section = json!({ "title": title, "product_items": vec![json!({ "product_retailer_id": "b" }); items] });
        action("mpm", json!({ "thumbnail_product_retailer_id": "b", "sections": vec![section; sections] }))
    };
    desk.sends("products", of(&"x".repeat(24), 3, 10)).await;
    desk.refuses("products", of(&"x".repeat(25), 1, 1), 131_009).await;
    desk.refuses("products", of("x", 31, 1), 131_009).await;
    desk.refuses("products", of("x", 1, 11), 131_009).await;
    desk.refuses("products", of("x", 0, 1), 131_009).await;
    desk.refuses("products", of("x", 1, 0), 131_008).await;
    desk.refuses("products", json!([]), 131_008).await;
    desk.refuses("products", action("mpm", json!({ "sections": [] })), 131_008).await;
}

#[tokio::test]
async fn an_offer_that_ends_names_its_end() {
    let desk = Desk::start().await;
    let offer =
        |expires: bool| json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Soon", "has_expiration": expires } });
    let buttons = json!({ "type": "BUTTONS", "buttons": [
        { "type": "COPY_CODE", "example": "SPRING" }, { "type": "URL", "text": "Look", "url": "https://example.com" },
    ] });
    let coupon = || button("copy_code", json!("0"), json!({ "type": "coupon_code", "coupon_code": "SPRING" }));
    let end = |value: Value| part("limited_time_offer", json!([{ "type": "limited_time_offer", "limited_time_offer": value }]));
    desk.template("ending", "POSITIONAL", json!([plain_body(), offer(true), buttons])).await;
    desk.sends("ending", json!([end(json!({ "expiration_time_ms": 1_800_000_000_000_i64 })), coupon()])).await;
    desk.refuses("ending", json!([coupon()]), 131_008).await;
    desk.refuses("ending", json!([end(json!({})), coupon()]), 131_008).await;
    desk.refuses("ending", json!([end(json!({ "expiration_time_ms": "soon" })), coupon()]), 131_009).await;
    desk.template("lasting", "POSITIONAL", json!([plain_body(), offer(false), buttons])).await;
    desk.sends("lasting", json!([coupon()])).await;
    desk.refuses("lasting", json!([end(json!({ "expiration_time_ms": 1 })), coupon()]), 132_000).await;
}

#[tokio::test]
async fn every_card_is_filled_once() {
    let desk = Desk::start().await;
    let card = json!({ "components": [
        { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::x"] } },
        { "type": "BODY", "text": "For {{1}}!", "example": { "body_text": [["Ada"]] } },
        { "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "Look", "url": "https://e.com/{{1}}", "example": ["https://e.com/1"] }] },
    ] });
    desk.template("cards", "POSITIONAL", json!([plain_body(), { "type": "CAROUSEL", "cards": [card, card] }])).await;
    let filled = |index: Value, value: &str| {
        let header = part("header", json!([{ "type": "image", "image": { "id": "1" } }]));
        json!({ "card_index": index, "components": [header, part("body", json!([text(value)])), button("url", json!("0"), text("x"))] })
    };
    let carousel = |cards: Value| json!([{ "type": "carousel", "cards": cards }]);
    desk.sends("cards", carousel(json!([filled(json!(1), "Ada"), filled(json!("0"), "Bob")]))).await;
    desk.sends("cards", carousel(json!([filled(json!(0), &"x".repeat(155)), filled(json!(1), "Bob")]))).await;
    desk.refuses("cards", carousel(json!([filled(json!(0), &"x".repeat(156)), filled(json!(1), "Bob")])), 132_005).await;
    desk.refuses("cards", carousel(json!([filled(json!(0), "a\nb"), filled(json!(1), "Bob")])), 132_012).await;
    desk.refuses("cards", json!([]), 132_000).await;
    desk.refuses("cards", carousel(json!([filled(json!(0), "Ada")])), 132_000).await;
    desk.refuses("cards", carousel(json!([filled(json!(0), "Ada"), filled(json!(0), "Bob")])), 131_009).await;
    desk.refuses("cards", carousel(json!([filled(json!(0), "Ada"), filled(json!(2), "Bob")])), 131_009).await;
    desk.refuses("cards", carousel(json!([filled(json!(0), "Ada"), filled(json!(null), "Bob")])), 131_008).await;
    desk.refuses("cards", carousel(json!([filled(json!(0), "Ada"), { "card_index": 1, "components": [] }])), 132_000).await;
    desk.template("plain", "POSITIONAL", json!([plain_body()])).await;
    desk.refuses("plain", carousel(json!([filled(json!(0), "Ada")])), 132_012).await;

    let product = json!({ "components": [
        { "type": "HEADER", "format": "PRODUCT" }, { "type": "BUTTONS", "buttons": [{ "type": "SPM", "text": "View" }] },
    ] });
    desk.template("goods", "POSITIONAL", json!([plain_body(), { "type": "CAROUSEL", "cards": [product, product] }])).await;
    let goods = |value: Value| {
        let header = part("header", json!([{ "type": "product", "product": value }]));
        carousel(json!([{ "card_index": 0, "components": [header] }, { "card_index": 1, "components": [header] }]))
    };
    desk.sends("goods", goods(json!({ "product_retailer_id": "bread", "catalog_id": "1" }))).await;
    desk.refuses("goods", goods(json!({ "product_retailer_id": "bread" })), 131_008).await;
}
