//! Samples as values.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::*;

fn samples(content: &Value) -> Vec<(String, String)> {
    let compiled = CompiledTemplate::compile(content).unwrap();
    let now = DateTime::<Utc>::from_timestamp_millis(1_700_000_000_000).unwrap();
    let samples = compiled.samples(content, now);
    assert_eq!(compiled.problems(&samples), [], "samples can be sent");
    samples.into_iter().collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    pairs.sort();
    pairs
}

#[test]
fn every_text_link_and_code_has_its_sample() {
    let content = json!({"name": "n", "language": "de", "components": [
        {"type": "HEADER", "format": "TEXT", "text": "For {{1}}", "example": {"header_text": ["Ada"]}},
        {"type": "BODY", "text": "Take {{1}} or {{2}} now", "example": {"body_text": [["5 %", "6 %"]]}},
        {"type": "BUTTONS", "buttons": [
            {"type": "URL", "text": "Go", "url": "https://example.com/{{1}}", "example": ["https://example.com/spring"]},
            {"type": "URL", "text": "Go", "url": "https://example.com/?code={{1}}", "example": ["https://example.com/?ref=n3m"]},
            {"type": "COPY_CODE", "example": "SAVE"},
        ]},
    ]});
    let expected =
        [("header.1", "Ada"), ("1", "5 %"), ("2", "6 %"), ("button.0.1", "spring"), ("button.1.1", "n3m"), ("button.2.1", "SAVE")];
    assert_eq!(samples(&content), pairs(expected));
}

#[test]
fn samples_have_names_where_parameters_have() {
    let content = json!({"name": "n", "language": "de", "parameterFormat": "NAMED", "components": [
        {"type": "HEADER", "format": "TEXT", "text": "For {{who}}", "example": {"header_text_named_params": [{"param_name": "who", "example": "Ada"}]}},
        {"type": "BODY", "text": "Take {{what}} now", "example": {"body_text_named_params": [{"param_name": "what", "example": "5 %"}]}},
    ]});
    assert_eq!(samples(&content), pairs([("header.who", "Ada"), ("what", "5 %")]));
}

#[test]
fn cards_have_samples_of_their_own_and_products_something_in_their_place() {
    let card = |header: Value, sample: &str| json!({"components": [header, {"type": "BODY", "text": "For {{1}} now", "example": {"body_text": [[sample]]}}]});
    let image = json!({"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}});
    let content = json!({"name": "n", "language": "de", "components": [
        {"type": "BODY", "text": "Look"},
        {"type": "CAROUSEL", "cards": [card(image, "5 €"), card(json!({"type": "HEADER", "format": "PRODUCT"}), "6 €")]},
    ]});
    let expected = [
        ("card.0.header.image", "4::x"),
        ("card.0.1", "5 €"),
        ("card.1.header.product_retailer_id", "card.1.header.product_retailer_id"),
        ("card.1.header.catalog_id", "0"),
        ("card.1.1", "6 €"),
    ];
    assert_eq!(samples(&content), pairs(expected));
}

#[test]
fn what_has_no_sample_has_something_in_its_place() {
    let content = json!({"name": "n", "language": "de", "components": [
        {"type": "HEADER", "format": "LOCATION"},
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Now", "has_expiration": true}},
        {"type": "BODY", "text": "Hi {{1}}!"},
        {"type": "BUTTONS", "buttons": [{"type": "MPM", "text": "View"}, {"type": "COPY_CODE"}, {"type": "FLOW", "text": "Go", "flow_id": "1"}]},
    ]});
    let expected = [
        ("header.location.latitude", "0"),
        ("header.location.longitude", "0"),
        ("limited_time_offer.expiration_time_ms", "1700086400000"),
        ("1", "1"),
        ("button.0.thumbnail_product_retailer_id", "button.0.thumbnail_product_retailer_id"),
        ("button.0.section_title", "button.0.section_title"),
        ("button.0.product_retailer_ids", "button.0.product_retailer_ids"),
        ("button.1.1", "123456"),
    ];
    assert_eq!(samples(&content), pairs(expected));
    let code = json!({"name": "n", "language": "de", "components": [
        {"type": "BODY"}, {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
    ]});
    assert_eq!(samples(&code), pairs([("1", "123456")]));
}

#[test]
fn a_sample_that_cannot_be_sent_is_replaced() {
    let content = json!({"name": "n", "language": "de", "components": [
        {"type": "BODY", "text": "Hi {{1}} you", "example": {"body_text": [["a\nb"]]}},
    ]});
    assert_eq!(samples(&content), pairs([("1", "1")]));
}
