//! What is written for the kinds that were sent first, byte for byte: campaigns under way were frozen with it.

use serde_json::{Value, json};

use super::super::CompiledTemplate;

/// A template with positional parameters and these components.
macro_rules! positional {
    ($components:tt) => {
        json!({"name": "spring_sale", "language": "en_US", "components": $components})
    };
}

#[track_caller]
fn writes(content: &Value, values: &[(&str, &str)], names: &[&str], template: &str) {
    let compiled = CompiledTemplate::compile(content).unwrap();
    assert_eq!(compiled.variable_names().collect::<Vec<_>>(), names);
    assert_eq!(compiled.frozen_variable_names().collect::<Vec<_>>(), names);
    let mut out = b"left over".to_vec();
    compiled.render("+4915123456789", values, "o1", &mut out).unwrap();
    let head = r#""messaging_product":"whatsapp","recipient_type":"individual","to":"+4915123456789","type":"template""#;
    let expected = format!(r#"{{{head},"template":{template},"biz_opaque_callback_data":"o1"}}"#);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_template_of_the_kind_plain_is_written_as_ever() {
    writes(
        &positional!([
            {"type": "HEADER", "format": "TEXT", "text": "Hello"},
            {"type": "BODY", "text": "Spring is here."},
            {"type": "FOOTER", "text": "Bye"},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}, {"type": "URL", "text": "Shop", "url": "https://example.com/"}, {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+4930123"}]},
        ]),
        &[],
        &[],
        r#"{"name":"spring_sale","language":{"code":"en_US"}}"#,
    );
}

#[test]
fn a_template_of_the_kind_positional_is_written_as_ever() {
    writes(
        &positional!([
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
            {"type": "BODY", "text": "Hi {{2}}, {{1}} off, yes {{1}}!"},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}, {"type": "URL", "text": "Shop", "url": "https://example.com/{{1}}"}, {"type": "COPY_CODE", "example": "SAVE"}]},
        ]),
        &[("1", "20 %"), ("2", "Zoë \"Z\" \\ \u{1}"), ("header.1", "№ 7"), ("button.1.1", "a b?c=ü&d=%20"), ("button.2.1", "SAVE20")],
        &["header.1", "1", "2", "button.1.1", "button.2.1"],
        concat!(
            r#"{"name":"spring_sale","language":{"code":"en_US"}"#,
            r#","components":[{"type":"header","parameters":[{"type":"text","text":"№ 7"}]}"#,
            r#",{"type":"body","parameters":[{"type":"text","text":"20 %"},{"type":"text","text":"Zoë \"Z\" \\ \u0001"}]}"#,
            r#",{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"a%20b?c=%C3%BC&d=%20"}]}"#,
            r#",{"type":"button","sub_type":"copy_code","index":"2","parameters":[{"type":"coupon_code","coupon_code":"SAVE20"}]}]}"#,
        ),
    );
}

#[test]
fn a_template_of_the_kind_named_is_written_as_ever() {
    writes(
        &json!({"name": "n", "language": {"code": "de"}, "parameterFormat": "NAMED", "components": [
            {"type": "header", "format": "text", "text": "For {{first_name}}"},
            {"type": "body", "text": "{{first_name}} gets {{discount_1}}."},
            {"type": "buttons", "buttons": [{"type": "url", "text": "Go", "url": "https://example.com/{{1}}"}]},
        ]}),
        &[("first_name", "Ada"), ("discount_1", "5"), ("header.first_name", "A."), ("button.0.1", "x")],
        &["header.first_name", "first_name", "discount_1", "button.0.1"],
        concat!(
            r#"{"name":"n","language":{"code":"de"}"#,
            r#","components":[{"type":"header","parameters":[{"type":"text","parameter_name":"first_name","text":"A."}]}"#,
            r#",{"type":"body","parameters":[{"type":"text","parameter_name":"first_name","text":"Ada"},{"type":"text","parameter_name":"discount_1","text":"5"}]}"#,
            r#",{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"x"}]}]}"#,
        ),
    );
}

#[test]
fn a_template_of_the_kind_image_link_is_written_as_ever() {
    writes(
        &positional!([
            {"type": "HEADER", "format": "IMAGE"},
            {"type": "BODY", "text": "Look"},
        ]),
        &[("header.image", "https://example.com/a.png")],
        &["header.image"],
        concat!(
            r#"{"name":"spring_sale","language":{"code":"en_US"}"#,
            r#","components":[{"type":"header","parameters":[{"type":"image","image":{"link":"https://example.com/a.png"}}]}]}"#,
        ),
    );
}

#[test]
fn a_template_of_the_kind_video_id_is_written_as_ever() {
    writes(
        &positional!([
            {"type": "HEADER", "format": "VIDEO"},
            {"type": "BODY", "text": "Look {{1}}!"},
        ]),
        &[("header.video", "1234"), ("1", "here")],
        &["header.video", "1"],
        concat!(
            r#"{"name":"spring_sale","language":{"code":"en_US"}"#,
            r#","components":[{"type":"header","parameters":[{"type":"video","video":{"id":"1234"}}]}"#,
            r#",{"type":"body","parameters":[{"type":"text","text":"here"}]}]}"#,
        ),
    );
}

#[test]
fn a_template_of_the_kind_document_is_written_as_ever() {
    writes(
        &positional!([
            {"type": "HEADER", "format": "DOCUMENT"},
            {"type": "BODY", "text": "Read"},
        ]),
        &[("header.document", "http://example.com/a.pdf")],
        &["header.document"],
        concat!(
            r#"{"name":"spring_sale","language":{"code":"en_US"}"#,
            r#","components":[{"type":"header","parameters":[{"type":"document","document":{"link":"http://example.com/a.pdf"}}]}]}"#,
        ),
    );
}

#[test]
fn a_template_of_the_kind_code_created_is_written_as_ever() {
    writes(
        &positional!([
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
        ]),
        &[("1", "123456")],
        &["1"],
        concat!(
            r#"{"name":"spring_sale","language":{"code":"en_US"}"#,
            r#","components":[{"type":"body","parameters":[{"type":"text","text":"123456"}]}"#,
            r#",{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"123456"}]}]}"#,
        ),
    );
}

#[test]
fn a_template_of_the_kind_code_listed_is_written_as_ever() {
    writes(
        &positional!([
            {"type": "BODY", "text": "*{{1}}* is your verification code."},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Copy", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}]},
        ]),
        &[("1", "123456")],
        &["1"],
        concat!(
            r#"{"name":"spring_sale","language":{"code":"en_US"}"#,
            r#","components":[{"type":"body","parameters":[{"type":"text","text":"123456"}]}"#,
            r#",{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"123456"}]}]}"#,
        ),
    );
}

#[test]
fn a_template_of_the_kind_calls_is_written_as_ever() {
    writes(
        &positional!([
            {"type": "BODY", "text": "Call us, {{1}}, now"},
            {"type": "BUTTONS", "buttons": [{"type": "VOICE_CALL", "text": "Call"}, {"type": "REQUEST_CONTACT_INFO"}, {"type": "CALL_PERMISSION_REQUEST"}]},
        ]),
        &[("1", "Ada")],
        &["1"],
        concat!(
            r#"{"name":"spring_sale","language":{"code":"en_US"}"#,
            r#","components":[{"type":"body","parameters":[{"type":"text","text":"Ada"}]}]}"#,
        ),
    );
}
