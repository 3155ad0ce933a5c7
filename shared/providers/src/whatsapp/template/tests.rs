use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod cards;
mod kinds;
mod samples;
mod unchanged;

const NONE: [(&str, &str); 0] = [];

fn render<V: Variables + ?Sized>(content: &Value, variables: &V) -> Result<Value, RenderError> {
    let mut out = b"left over".to_vec();
    CompiledTemplate::compile(content).unwrap().render("+4915123456789", variables, "opaque", &mut out)?;
    Ok(serde_json::from_slice(&out).unwrap())
}

#[expect(clippy::needless_pass_by_value, reason = "called with json! literals")]
fn content(components: Value) -> Value {
    json!({"name": "spring_sale", "language": "en_US", "parameterFormat": "POSITIONAL", "components": components})
}

fn body(text: &str) -> Value {
    content(json!([{"type": "BODY", "text": text}]))
}

#[test]
fn a_template_without_variables_sends_no_components() {
    let content = content(json!([
        {"type": "HEADER", "format": "TEXT", "text": "Hello"},
        {"type": "BODY", "text": "A {brace} and }} stay."},
        {"type": "FOOTER", "text": "Bye"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}, {"type": "URL", "text": "Shop", "url": "https://example.com/"}]},
    ]));
    assert_eq!(
        render(&content, &NONE).unwrap(),
        json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+4915123456789", "type": "template",
            "template": {"name": "spring_sale", "language": {"code": "en_US"}}, "biz_opaque_callback_data": "opaque",
        })
    );
}

#[test]
fn positional_parameters_stand_in_order() {
    let content = content(json!([
        {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["7"]}},
        {"type": "BODY", "text": "Hi {{2}}, {{1}} off, yes {{1}}!", "example": {"body_text": [["a", "b"]]}},
        {"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Stop"},
            {"type": "URL", "text": "Shop", "url": "https://example.com/{{1}}", "example": ["x"]},
            {"type": "COPY_CODE", "example": "SAVE"},
        ]},
    ]));
    let variables = [("1", "20 %"), ("2", "Zoë \"Z\""), ("header.1", "№ 7"), ("button.1.1", "a b?c=ü&d=%20"), ("button.2.1", "SAVE20")];
    assert_eq!(
        render(&content, &variables).unwrap()["template"]["components"],
        json!([
            {"type": "header", "parameters": [{"type": "text", "text": "№ 7"}]},
            {"type": "body", "parameters": [{"type": "text", "text": "20 %"}, {"type": "text", "text": "Zoë \"Z\""}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "a%20b?c=%C3%BC&d=%20"}]},
            {"type": "button", "sub_type": "copy_code", "index": "2", "parameters": [{"type": "coupon_code", "coupon_code": "SAVE20"}]},
        ])
    );
    let compiled = CompiledTemplate::compile(&content).unwrap();
    assert_eq!(compiled.variable_names().collect::<Vec<_>>(), ["header.1", "1", "2", "button.1.1", "button.2.1"]);
    let text = compiled.render_text(&variables).unwrap();
    assert_eq!(text.body, "Hi Zoë \"Z\", 20 % off, yes 20 %!");
    assert_eq!(text.header, Some(RenderedHeader::Text { text: "Order № 7".to_owned() }));
    assert_eq!(text.buttons[1].target.as_deref(), Some("https://example.com/a%20b?c=%C3%BC&d=%20"));
    assert_eq!(text.buttons[2].target.as_deref(), Some("SAVE20"));
    assert_eq!(text.buttons[0].target, None);
}

#[test]
fn named_parameters_carry_their_names() {
    let content = json!({"name": "n", "language": {"code": "de"}, "parameterFormat": "NAMED", "components": [
        {"type": "header", "format": "text", "text": "For {{first_name}}"},
        {"type": "body", "text": "{{first_name}} gets {{discount_1}}."},
    ]});
    let variables: HashMap<String, String> = [("first_name", "Ada"), ("discount_1", "5"), ("header.first_name", "A.")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    assert_eq!(
        render(&content, &variables).unwrap()["template"],
        json!({"name": "n", "language": {"code": "de"}, "components": [
            {"type": "header", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "A."}]},
            {"type": "body", "parameters": [
                {"type": "text", "parameter_name": "first_name", "text": "Ada"},
                {"type": "text", "parameter_name": "discount_1", "text": "5"},
            ]},
        ]})
    );
}

#[test]
fn media_headers_take_links_and_ids() {
    let content =
        content(json!([{"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}}, {"type": "BODY", "text": "Look"}]));
    let header = |value: &str| render(&content, &[("header.image", value)]).unwrap()["template"]["components"][0]["parameters"][0].take();
    assert_eq!(header("https://example.com/a.png"), json!({"type": "image", "image": {"link": "https://example.com/a.png"}}));
    assert_eq!(header("1234"), json!({"type": "image", "image": {"id": "1234"}}));
    let text = CompiledTemplate::compile(&content).unwrap().render_text(&[("header.image", "1234")]).unwrap();
    assert_eq!(text.header, Some(RenderedHeader::Media { kind: "image".to_owned(), reference: "1234".to_owned() }));
}

#[test]
fn a_one_time_code_goes_into_body_and_button() {
    let created = content(json!([
        {"type": "BODY", "add_security_recommendation": true},
        {"type": "FOOTER", "code_expiration_minutes": 5},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
    ]));
    let listed = content(json!([
        {"type": "BODY", "text": "*{{1}}* is your verification code."},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Copy", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}]},
    ]));
    for content in [created, listed] {
        assert_eq!(
            render(&content, &[("1", "123456")]).unwrap()["template"]["components"],
            json!([
                {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "123456"}]},
            ])
        );
        assert_eq!(render(&content, &[("1", "1234567890123456")]), Err(RenderError::CodeTooLong("1".to_owned())));
    }
}

#[test]
fn a_bad_value_names_its_variable() {
    let content = body("Hi {{1}}, from {{2}}.");
    let of = |value: &str| render(&content, &[("1", "fine"), ("2", value)]).map(drop);
    assert_eq!(render(&content, &[("1", "a")]), Err(RenderError::Missing("2".to_owned())));
    for value in ["", " ", "    "] {
        assert_eq!(of(value), Err(RenderError::Empty("2".to_owned())));
    }
    for value in ["a\nb", "a\tb", "a\r\nb", "\n"] {
        assert_eq!(of(value), Err(RenderError::LineBreakOrTab("2".to_owned())));
    }
    assert_eq!(of("a     b"), Err(RenderError::TooManySpaces("2".to_owned())));
    assert_eq!(of("a    b    c"), Ok(()));
    assert_eq!(of("\u{1}\\\"🎉"), Ok(()));
    let compiled = CompiledTemplate::compile(&content).unwrap();
    assert_eq!(compiled.check(&[("1", "a")]).unwrap_err().variable(), "2");
    assert!(compiled.render_text(&[("1", "a")]).is_err());
}

#[test]
fn values_come_from_json_too() {
    let content = body("Hi {{1}}!");
    assert!(render(&content, &json!({"1": "Ada"})).is_ok());
    assert_eq!(render(&content, &json!({"1": 7})), Err(RenderError::Missing("1".to_owned())));
    assert_eq!(render(&content, &json!(null)), Err(RenderError::Missing("1".to_owned())));
}

#[test]
fn what_cannot_be_sent_is_refused_at_compile_time() {
    let error = |content: &Value| CompiledTemplate::compile(content).unwrap_err();
    assert!(matches!(error(&json!({})), CompileError::Malformed(_)));
    assert!(matches!(error(&json!("text")), CompileError::Malformed(_)));
    assert!(matches!(error(&content(json!([]))), CompileError::NoBody));
    assert!(matches!(error(&body(" ")), CompileError::NoBody));
    for text in ["Hi {{1", "Hi {{}}", "Hi {{0}}", "Hi {{name}}", "Hi {{-1}}", "Hi {{1.0}}"] {
        assert!(matches!(error(&body(text)), CompileError::Placeholder(_)), "{text}");
    }
    assert!(matches!(error(&body("{{1}} {{3}}!")), CompileError::Gap { expected: 2 }));
    assert!(matches!(error(&content(json!([{"type": "BODY", "text": "a"}, {"type": "BODY", "text": "b"}]))), CompileError::Twice("body")));
    let with = |component: Value| content(json!([{"type": "BODY", "text": "Hi"}, component]));
    assert!(matches!(error(&with(json!({"type": "HEADER", "format": "TEXT", "text": "{{1}} {{2}}"}))), CompileError::HeaderVariables));
    assert!(matches!(error(&with(json!({"type": "HEADER", "format": "GIF"}))), CompileError::Unsupported(_)));
    assert!(matches!(error(&with(json!({"type": "ALBUM"}))), CompileError::Unsupported(_)));
    let button = |button: Value| with(json!({"type": "BUTTONS", "buttons": [button]}));
    assert!(matches!(error(&button(json!({"type": "APP", "text": "Go"}))), CompileError::Unsupported(_)));
    for url in ["https://e.com/{{1}}/x", "https://e.com/{{1}}{{2}}", "https://e.com/{{2}}"] {
        assert!(matches!(error(&button(json!({"type": "URL", "url": url}))), CompileError::ButtonLink { index: 0 }), "{url}");
    }
}

proptest! {
    #[test]
    fn compiling_and_rendering_never_panic(text in ".{0,60}", value in any::<String>(), to in any::<String>()) {
        if let Ok(compiled) = CompiledTemplate::compile(&body(&text)) {
            let variables: Vec<(String, String)> = compiled.variable_names().map(|name| (name.to_owned(), value.clone())).collect();
            let mut out = Vec::new();
            if compiled.render(&to, &variables, "o", &mut out).is_ok() {
                prop_assert!(serde_json::from_slice::<Value>(&out).is_ok());
            }
        }
    }

    #[test]
    fn a_value_arrives_unchanged(value in "[^\r\n\t ]{1,40}") {
        let sent = render(&body("Hi {{1}}!"), &[("1", &value)]).unwrap();
        prop_assert_eq!(sent["template"]["components"][0]["parameters"][0]["text"].as_str(), Some(value.as_str()));
    }
}
