mod bounds;
mod generate;
mod limits;
mod normal;
mod paths;
mod properties;
mod table;

use serde_json::{Value, json};

use super::{Content, check, examples::Example, is_language_shape, normalised};
use crate::templates::model::{Category, ParameterFormat};

/// What a template of this category, written by a client, breaks: fields and codes.
fn codes(category: Category, format: ParameterFormat, components: Value) -> Vec<(String, &'static str)> {
    let example = Example {
        name: "offer_1".into(),
        language: "en_US".into(),
        category,
        format,
        message_ttl_seconds: None,
        components: normalised(components),
    };
    told(&example)
}

fn told(example: &Example) -> Vec<(String, &'static str)> {
    let errors = check(example.content()).err().unwrap_or_default();
    errors.0.into_iter().map(|error| (error.field, error.code)).collect()
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
fn named_variables_pass_with_exactly_their_samples() {
    let body =
        |samples: Value| json!([{ "type": "BODY", "text": "Hello {{first_name}}!", "example": { "body_text_named_params": samples } }]);
    let named = |components| codes(Category::Utility, ParameterFormat::Named, components);
    let missing = || found("components[0].example.body_text_named_params", "sample-missing");
    let of = |name: &str, example: Value| json!({ "param_name": name, "example": example });
    assert_eq!(named(body(json!([of("first_name", json!("Ada"))]))), []);
    assert_eq!(named(body(json!([of("name", json!("Ada"))]))), missing());
    assert_eq!(named(body(json!([of("first_name", json!(" "))]))), missing());
    assert_eq!(named(body(json!([of("first_name", json!(7))]))), missing());
    assert_eq!(named(body(json!([of("first_name", json!("Ada")), of("first_name", json!("Eve"))]))), missing());
    assert_eq!(named(json!([{ "type": "BODY", "text": "Hello {{First}}!" }])), found("components[0].text", "placeholder"));
}

#[test]
fn names_and_languages_have_rules() {
    let components = json!([{ "type": "BODY", "text": "Hello." }]);
    let told = |name: &str, language: &str| {
        let content = Content {
            name,
            language,
            category: Category::Utility,
            format: ParameterFormat::Positional,
            message_ttl_seconds: None,
            components: &components,
        };
        check(content).err().unwrap_or_default().0.into_iter().map(|error| error.field).collect::<Vec<_>>()
    };
    for name in ["", "Offer", "an offer", "ünter", "a-b", "a\n"] {
        assert_eq!(told(name, "en"), ["name"], "{name}");
    }
    for language in ["", "english", "en-US", "EN", "en_us", "en_", "xx", "en_DE"] {
        assert_eq!(told("x", language), ["language"], "{language}");
    }
    for language in ["en", "fil", "pt_BR", "prs_AF", "zu"] {
        assert_eq!(told("x", language), [""; 0], "{language}");
    }
}

#[test]
fn what_exists_at_the_provider_may_have_a_language_that_came_later() {
    for language in ["en", "fil", "pt_BR", "en_DE", "xx", "prs_AF"] {
        assert!(is_language_shape(language), "{language}");
    }
    for language in ["", "english", "en-US", "EN", "en_us", "en_", "_US"] {
        assert!(!is_language_shape(language), "{language}");
    }
}

#[test]
fn messages_are_tried_as_long_as_the_category_allows() {
    let outcome = |category, seconds| {
        let example = super::examples::marketing(json!([super::examples::plain()])).of(category);
        told(&Example { message_ttl_seconds: Some(seconds), ..example })
    };
    let out_of_range = found("messageSendTtlSeconds", "out-of-range");
    for (category, least, most) in [(Category::Utility, 30, 43_200), (Category::Marketing, 43_200, 2_592_000)] {
        for seconds in [-1, least, most] {
            assert_eq!(outcome(category, seconds), [], "{category:?} {seconds}");
        }
        for seconds in [i32::MIN, -2, 0, least - 1, most + 1, i32::MAX] {
            assert_eq!(outcome(category, seconds), out_of_range, "{category:?} {seconds}");
        }
    }
}

#[test]
fn braces_pair_up() {
    let body = |text: &str| marketing(json!([{ "type": "BODY", "text": text, "example": { "body_text": [["Ada"]] } }]));
    for text in ["Hi {1}, you", "Hi { {1} }, you", "Hi {{1}} {you}!", "Hi }{, you"] {
        assert_eq!(body(text), [], "{text}");
    }
    for text in
        ["Hi {{1} there", "Hi {1}} there", "Hi {{{1}}} there", "Hi {{1}}} there", "Hi {{1}} and }} there", "Hi {{ there", "Hi }} {{"]
    {
        assert_eq!(body(text), found("components[0].text", "placeholder"), "{text}");
    }
    for text in
        ["Hi {{name}} there", "Hi {{0}} there", "Hi {{01}} there", "Hi {{ 1 }} there", "Hi {{+1}} there", "Hi {{}} there", "Hi {{2}} there"]
    {
        assert_eq!(body(text), found("components[0].text", "placeholder-order"), "{text}");
    }
}

#[test]
fn samples_are_exactly_as_many_as_variables() {
    let body = |example: Value| marketing(json!([{ "type": "BODY", "text": "Hi {{2}}, you and {{1}}, and {{1}}!", "example": example }]));
    let missing = || found("components[0].example.body_text", "sample-missing");
    assert_eq!(body(json!({ "body_text": [["a", "b"]] })), []);
    assert_eq!(body(json!({ "body_text": ["a", "b"] })), []);
    for samples in
        [json!([["a"]]), json!([["a", "b", "c"]]), json!([["a", " "]]), json!([["a", 1]]), json!([["a", "b"], ["c", "d"]]), json!("a")]
    {
        assert_eq!(body(json!({ "body_text": samples })), missing(), "{samples}");
    }
    assert_eq!(body(json!(7)), missing());
    assert_eq!(marketing(json!([{ "type": "BODY", "text": "Nobody looks.", "example": { "body_text": 7 } }])), []);
}

#[test]
fn links_end_with_their_variable() {
    let link = |url: &str| {
        marketing(json!([{ "type": "BODY", "text": "Hi" }, { "type": "BUTTONS", "buttons": [
        { "type": "URL", "text": "x", "url": url, "example": "y" }
    ] }]))
    };
    let at = |code| found("components[1].buttons[0].url", code);
    for url in ["http://a", "https://a.example/?q={{1}}", "https://{{1}}"] {
        assert_eq!(link(url), [], "{url}");
    }
    for url in ["", "https://", "ftp://a", "HTTPS://a", "https://a b", " https://a", "{{1}}"] {
        assert_eq!(link(url), at("invalid"), "{url}");
    }
    assert_eq!(link("https://a/{{1}}/"), at("too-many-variables"));
    assert_eq!(link("https://a/{{1}}{{1}}"), at("too-many-variables"));
    assert_eq!(link("https://a/{{1}}{{2}}"), at("too-many-variables"));
    assert_eq!(link("https://a/{{2}}"), at("placeholder-order"));
    assert_eq!(link("https://a/{{name}}"), at("placeholder-order"));
    assert_eq!(link("https://a/{{1}"), at("placeholder"));
}
