//! Each rule of a creation: kept at its limit, broken one step behind it.
#![expect(clippy::needless_pass_by_value, reason = "JSON made on the spot reads better without an ampersand")]

mod buttons;
mod special;

use serde_json::{Value, json};

use super::super::verdict;

const TOO_LONG: &str = "2388040";
const HEADER: &str = "2388047";
const BODY: &str = "2388072";
const REST: &str = "2388073";
const RATIO: &str = "2388293";
const EDGE: &str = "2388299";
/// Refused as a malformed parameter, without a subcode.
const PARAMETER: &str = "Invalid parameter: ";

fn creation(category: &str, components: Value) -> Value {
    json!({ "name": "offer", "language": "en_US", "category": category, "parameter_format": "POSITIONAL", "components": components })
}

/// A template with a plain body and these components beside it.
fn with(category: &str, beside: Value) -> Value {
    let mut components = vec![json!({ "type": "BODY", "text": "Hello there." })];
    components.extend(beside.as_array().unwrap().clone());
    creation(category, components.into())
}

/// Takes a creation.
#[track_caller]
fn taken(creation: &Value) {
    assert_eq!(verdict(creation), Ok(()), "{creation}");
}

/// Refuses a creation, with these words in the refusal.
#[track_caller]
fn refused(creation: &Value, words: &str) {
    let refusal = verdict(creation).expect_err(&creation.to_string());
    assert!(refusal.contains(words), "{words} is not in `{refusal}`, said of {creation}");
}

fn changed(mut creation: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    creation.pointer_mut(parent).unwrap()[name] = value;
    creation
}

#[test]
fn name_language_category_and_format_are_checked() {
    let good = with("MARKETING", json!([]));
    taken(&good);
    taken(&changed(good.clone(), "/name", "a".repeat(512).into()));
    for name in [String::new(), "a".repeat(513), "Offer".into(), "an-offer".into(), "größe".into()] {
        refused(&changed(good.clone(), "/name", name.into()), PARAMETER);
    }
    for language in ["en", "zh_HK", "fil", "prs_AF"] {
        taken(&changed(good.clone(), "/language", language.into()));
    }
    for language in ["", "en_us", "en-US", "xx", "de_XX"] {
        refused(&changed(good.clone(), "/language", language.into()), PARAMETER);
    }
    taken(&changed(good.clone(), "/category", "utility".into()));
    refused(&changed(good.clone(), "/category", "OTHER".into()), PARAMETER);
    taken(&changed(good.clone(), "/parameter_format", "NAMED".into()));
    refused(&changed(good.clone(), "/parameter_format", "LETTERED".into()), PARAMETER);
    refused(&changed(good.clone(), "/components", json!({})), PARAMETER);
    refused(&changed(good.clone(), "/components", json!([{ "text": "Hello." }])), PARAMETER);
    refused(&changed(good.clone(), "/components", json!([{ "type": "FOOTER", "text": "Bye" }])), BODY);
    refused(&with("MARKETING", json!([{ "type": "BODY", "text": "Twice." }])), PARAMETER);
    let permission = json!({ "type": "CALL_PERMISSION_REQUEST" });
    taken(&with("MARKETING", json!([permission])));
    taken(&with("UTILITY", json!([permission, { "type": "FOOTER", "text": "Bye" }])));
    let reply = json!({ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "No" }] });
    refused(&with("MARKETING", json!([permission, reply])), PARAMETER);
    refused(&with("AUTHENTICATION", json!([permission])), BODY);
    let long = "x".repeat(64 * 1024);
    refused(&with("MARKETING", json!([{ "type": "HEADER", "format": "LOCATION", "note": long }])), TOO_LONG);
}

#[test]
fn each_category_has_its_times_to_live() {
    for (category, fits, breaks) in
        [("MARKETING", [-1, 43_200, 2_592_000], [43_199, 2_592_001, 0]), ("UTILITY", [-1, 30, 43_200], [29, 43_201, -2])]
    {
        for seconds in fits {
            taken(&changed(with(category, json!([])), "/message_send_ttl_seconds", seconds.into()));
        }
        for seconds in breaks {
            refused(&changed(with(category, json!([])), "/message_send_ttl_seconds", seconds.into()), PARAMETER);
        }
    }
    let code = creation(
        "AUTHENTICATION",
        json!([
            { "type": "BODY" }, { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] },
        ]),
    );
    for seconds in [-1, 30, 900] {
        taken(&changed(code.clone(), "/message_send_ttl_seconds", seconds.into()));
    }
    for seconds in [29, 901] {
        refused(&changed(code.clone(), "/message_send_ttl_seconds", seconds.into()), PARAMETER);
    }
}

fn header(header: Value) -> Value {
    with("UTILITY", json!([header]))
}

#[test]
fn headers_of_text_are_short_plain_and_sampled() {
    let text = |text: &str| header(json!({ "type": "HEADER", "format": "TEXT", "text": text, "example": { "header_text": ["Ada"] } }));
    taken(&text(&"x".repeat(60)));
    refused(&text(&"x".repeat(61)), TOO_LONG);
    // Characters count, not bytes.
    taken(&text(&"ü".repeat(60)));
    taken(&text("Hi {{1}}"));
    taken(&text("{{1}}"));
    for bad in ["", " ", "two\nlines", "*bold*", "an_underscore", "~x", "`x`", "{{1}} and {{2}}", "{{2}}", "{{1", "{{{1}}}"] {
        refused(&text(bad), HEADER);
    }
    for example in
        [json!(null), json!({}), json!({ "header_text": [] }), json!({ "header_text": [" "] }), json!({ "header_text": ["a", "b"] })]
    {
        refused(&header(json!({ "type": "HEADER", "format": "TEXT", "text": "Hi {{1}}", "example": example })), HEADER);
    }
    // Without a format a text makes it one.
    taken(&header(json!({ "type": "header", "text": "Hi" })));
    refused(&header(json!({ "type": "HEADER" })), HEADER);
    refused(&header(json!({ "type": "HEADER", "format": null, "text": "Hi" })), HEADER);
}

#[test]
fn headers_of_media_have_one_sample_and_places_none() {
    for format in ["IMAGE", "VIDEO", "DOCUMENT", "image"] {
        let with = |example: Value| header(json!({ "type": "HEADER", "format": format, "example": example }));
        taken(&with(json!({ "header_handle": ["4::aW1hZ2U="] })));
        for bad in [json!(null), json!({ "header_handle": [] }), json!({ "header_handle": ["a", "b"] }), json!({ "header_handle": "a" })] {
            refused(&with(bad), HEADER);
        }
    }
    taken(&header(json!({ "type": "HEADER", "format": "LOCATION" })));
    for format in ["GIF", "PRODUCT", "AUDIO"] {
        refused(&header(json!({ "type": "HEADER", "format": format, "example": { "header_handle": ["a"] } })), HEADER);
    }
}

fn body(text: &str, samples: &[&str]) -> Value {
    creation("UTILITY", json!([{ "type": "BODY", "text": text, "example": { "body_text": [samples] } }]))
}

#[test]
fn bodies_keep_their_length_and_the_places_of_variables() {
    taken(&body(&"x".repeat(1_024), &[]));
    refused(&body(&"x".repeat(1_025), &[]), TOO_LONG);
    refused(&body(" \n", &[]), BODY);
    taken(&body("A {{1}} b", &["x"]));
    refused(&body("{{1}} is here now", &["x"]), EDGE);
    refused(&body(" {{1}} is here now", &["x"]), EDGE);
    refused(&body("here now is {{1}}", &["x"]), EDGE);
    taken(&body("here now is {{1}}.", &["x"]));
    taken(&body("one two {{2}}, {{1}}, {{2}} end", &["x", "y"]));
    refused(&body("one two three {{2}} end", &["x", "y"]), BODY);
    refused(&body("one two three {{1}} {{2}} end", &["x", "y"]), "INVALID_FORMAT");
    refused(&body("one two three {{1}}{{2}} end", &["x", "y"]), "INVALID_FORMAT");
    for bad in ["a {{1 b", "a 1}} b", "a {{{1}}} b", "a {{ 1 }} b", "a {{01}} b", "a {{0}} b", "a {{100}} b", "a {{name}} b", "a {{}} b"] {
        refused(&body(bad, &["x"]), BODY);
    }
}

#[test]
fn a_body_has_a_word_for_each_variable() {
    taken(&body("a {{1}}, b {{2}}.", &["x", "y"]));
    refused(&body("a {{1}}, {{2}}.", &["x", "y"]), RATIO);
    // Words are not joined across variables, and a repeated variable counts once.
    taken(&body("pre{{1}}fix.", &["x"]));
    taken(&body("a {{1}}, {{1}}, {{1}}.", &["x"]));
    refused(&body("- {{1}} -", &["x"]), RATIO);
}

#[test]
fn every_variable_has_exactly_one_sample() {
    taken(&body("one two {{1}} and {{2}} end", &["x", "y"]));
    for samples in [&["x"][..], &["x", "y", "z"], &["x", " "], &[]] {
        refused(&body("one two {{1}} and {{2}} end", samples), BODY);
    }
    let example = |example: Value| changed(body("one {{1}} end", &["x"]), "/components/0/example", example);
    // A single row may come without its outer list.
    taken(&example(json!({ "body_text": ["x"] })));
    for bad in [json!(null), json!({ "body_text": [["x"], ["y"]] }), json!({ "body_text": [[1]] }), json!({ "body_text": "x" })] {
        refused(&example(bad), BODY);
    }
    // What has no variables needs no samples, and none are looked at.
    taken(&body("no variables", &["x", "y"]));
}

#[test]
fn named_variables_have_names_of_their_own() {
    let named = |text: &str, samples: Value| {
        let components = json!([{ "type": "BODY", "text": text, "example": { "body_text_named_params": samples } }]);
        changed(creation("UTILITY", components), "/parameter_format", "NAMED".into())
    };
    let sample = |name: &str| json!({ "param_name": name, "example": "Ada" });
    taken(&named("Hi {{first_name}}, all well?", json!([sample("first_name")])));
    for (text, samples) in [
        ("Hi {{name}} and {{name}}, all well?", json!([sample("name")])),
        ("Hi {{Name}}, all well?", json!([sample("Name")])),
        ("Hi {{name2}}, all well?", json!([sample("name2")])),
        ("Hi {{1}}, all well?", json!([sample("1")])),
        ("Hi {{name}}, all well?", json!([sample("other")])),
        ("Hi {{name}}, all well?", json!([sample("name"), sample("other")])),
        ("Hi {{name}}, all well?", json!([sample("name"), sample("name")])),
        ("Hi {{name}}, all well?", json!([{ "param_name": "name", "example": "" }])),
        ("Hi {{name}}, all well?", json!(null)),
    ] {
        refused(&named(text, samples), BODY);
    }
    let header = |samples: Value| {
        let header =
            json!({ "type": "HEADER", "format": "TEXT", "text": "For {{a_name}}", "example": { "header_text_named_params": samples } });
        changed(with("UTILITY", json!([header])), "/parameter_format", "NAMED".into())
    };
    taken(&header(json!([sample("a_name")])));
    refused(&header(json!([sample("name")])), HEADER);
}

#[test]
fn footers_are_one_plain_line() {
    let footer = |text: Value| with("UTILITY", json!([{ "type": "FOOTER", "text": text }]));
    taken(&footer("x".repeat(60).into()));
    refused(&footer("x".repeat(61).into()), TOO_LONG);
    for bad in [json!(""), json!("  "), json!(null), json!(7), json!("two\nlines"), json!("for {{1}}")] {
        refused(&footer(bad), REST);
    }
}
