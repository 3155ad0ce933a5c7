//! The sending form and the preview of cards.

use serde_json::{Value, json};

use super::{
    super::*,
    kinds::{code, compiled, names, seen, sent},
};

#[test]
fn a_carousel_of_media_cards() {
    let card = |place: &str| {
        json!({"components": [
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}},
            {"type": "BODY", "text": format!("{place} for {{{{1}}}} only")},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "More"},
                {"type": "URL", "text": "Buy", "url": "https://example.com/{{1}}", "example": ["x"]},
            ]},
        ]})
    };
    let components = json!([{"type": "BODY", "text": "Hi {{1}}, choose"}, {"type": "CAROUSEL", "cards": [card("Rome"), card("*Paris*")]}]);
    let values = [
        ("1", "Ada"),
        ("card.0.header.image", "111"),
        ("card.0.1", "9 €"),
        ("card.0.button.1.1", "rome"),
        ("card.1.header.image", "https://example.com/p.png"),
        ("card.1.1", "8 €"),
        ("card.1.button.1.1", "paris"),
    ];
    assert_eq!(names(&components).0, values.map(|(name, _)| name));
    let parts = |header: Value, price: &str, link: &str| {
        json!([
            {"type": "header", "parameters": [{"type": "image", "image": header}]},
            {"type": "body", "parameters": [{"type": "text", "text": price}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": link}]},
        ])
    };
    assert_eq!(
        sent(&components, &values).unwrap(),
        json!([
            {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]},
            {"type": "carousel", "cards": [
                {"card_index": 0, "components": parts(json!({"id": "111"}), "9 €", "rome")},
                {"card_index": 1, "components": parts(json!({"link": "https://example.com/p.png"}), "8 €", "paris")},
            ]},
        ])
    );
    let shown = seen(&components, &values);
    assert_eq!(
        shown["cards"][1],
        json!({
            "header": {"type": "media", "kind": "image", "reference": "https://example.com/p.png"},
            "body": "*Paris* for 8 € only",
            "buttons": [
                {"kind": "QUICK_REPLY", "label": "More", "target": null},
                {"kind": "URL", "label": "Buy", "target": "https://example.com/paris"},
            ],
        })
    );
    let formatted = serde_json::to_value(compiled(&components).render_text(&values).unwrap().formatted()).unwrap();
    assert_eq!(formatted["cards"][1]["body"][0]["content"][0], json!({"type": "bold", "content": [{"type": "text", "text": "Paris"}]}));
    let missing: Vec<_> = compiled(&components).problems(&values[..5]).iter().map(|error| error.variable().to_owned()).collect();
    assert_eq!(missing, ["card.1.1", "card.1.button.1.1"]);
}

#[test]
fn a_carousel_of_products() {
    let card = json!({"components": [
        {"type": "HEADER", "format": "PRODUCT"},
        {"type": "BUTTONS", "buttons": [{"type": "SPM", "text": "View"}]},
    ]});
    let components = json!([{"type": "BODY", "text": "Choose"}, {"type": "CAROUSEL", "cards": [card, card]}]);
    let values = [
        ("card.0.header.product_retailer_id", "nqryix03ez"),
        ("card.0.header.catalog_id", "194836987003835"),
        ("card.1.header.product_retailer_id", "pwqly8jx4e"),
        ("card.1.header.catalog_id", "194836987003835"),
    ];
    assert_eq!(names(&components).0, values.map(|(name, _)| name));
    let product = |id: &str| json!({"product_retailer_id": id, "catalog_id": "194836987003835"});
    assert_eq!(
        sent(&components, &values).unwrap(),
        json!([{"type": "carousel", "cards": [
            {"card_index": 0, "components": [{"type": "header", "parameters": [{"type": "product", "product": product("nqryix03ez")}]}]},
            {"card_index": 1, "components": [{"type": "header", "parameters": [{"type": "product", "product": product("pwqly8jx4e")}]}]},
        ]}])
    );
    let shown = seen(&components, &values);
    assert_eq!(shown["cards"][0]["header"], json!({"type": "product", "productRetailerId": "nqryix03ez", "catalogId": "194836987003835"}));
    assert_eq!(shown["cards"][0]["body"], Value::Null);
    let wrong = values.map(|(name, value)| (name, if name == "card.1.header.catalog_id" { "my shop" } else { value }));
    assert_eq!(code(&components, &wrong), ("card.1.header.catalog_id".to_owned(), "variable-catalog"));
}

#[test]
fn cards_of_named_parameters_carry_the_names() {
    let content = json!({"name": "n", "language": "de", "parameterFormat": "NAMED", "components": [
        {"type": "BODY", "text": "Hi {{first_name}}!"},
        {"type": "CAROUSEL", "cards": [{"components": [
            {"type": "HEADER", "format": "VIDEO"}, {"type": "BODY", "text": "For {{price}} now"},
        ]}]},
    ]});
    let compiled = CompiledTemplate::compile(&content).unwrap();
    assert_eq!(compiled.variable_names().collect::<Vec<_>>(), ["first_name", "card.0.header.video", "card.0.price"]);
    let mut out = Vec::new();
    compiled.render("+1", &[("first_name", "Ada"), ("card.0.header.video", "1"), ("card.0.price", "5")], "", &mut out).unwrap();
    let request: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        request["template"]["components"][1]["cards"][0]["components"][1]["parameters"],
        json!([{"type": "text", "parameter_name": "price", "text": "5"}])
    );
}
