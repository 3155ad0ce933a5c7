//! The one form of components.

use proptest::prelude::*;
use serde_json::json;

use super::generate::any_components;
use crate::templates::rules::normalised;

#[test]
fn types_and_formats_are_upper_case_and_samples_in_lists() {
    let written = json!([
        { "type": "header", "text": "for {{1}}", "example": { "header_text": ["Ada"] } },
        { "type": "body", "text": "hi {{1}} there", "example": { "body_text": ["Ada"] } },
        { "type": "buttons", "buttons": [
            { "type": "url", "text": "see", "url": "https://a.example/{{1}}", "example": "https://a.example/x" },
            { "type": "copy_code", "example": "save20" },
            { "type": "flow", "text": "go", "flow_id": "1", "flow_action": "navigate" },
            { "type": "otp", "otp_type": "one_tap", "example": "left" },
        ] },
        { "type": "carousel", "cards": [{ "components": [
            { "type": "header", "format": "image" },
            { "type": "body", "text": "{{1}}", "example": { "body_text": ["x"] } },
            { "type": "buttons", "buttons": [{ "type": "quick_reply", "text": "yes" }] },
        ] }] },
    ]);
    let expected = json!([
        { "type": "HEADER", "format": "TEXT", "text": "for {{1}}", "example": { "header_text": ["Ada"] } },
        { "type": "BODY", "text": "hi {{1}} there", "example": { "body_text": [["Ada"]] } },
        { "type": "BUTTONS", "buttons": [
            { "type": "URL", "text": "see", "url": "https://a.example/{{1}}", "example": ["https://a.example/x"] },
            { "type": "COPY_CODE", "example": ["save20"] },
            { "type": "FLOW", "text": "go", "flow_id": "1", "flow_action": "NAVIGATE" },
            { "type": "OTP", "otp_type": "ONE_TAP", "example": "left" },
        ] },
        { "type": "CAROUSEL", "cards": [{ "components": [
            { "type": "HEADER", "format": "IMAGE" },
            { "type": "BODY", "text": "{{1}}", "example": { "body_text": [["x"]] } },
            { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "yes" }] },
        ] }] },
    ]);
    assert_eq!(normalised(written), expected);
}

#[test]
fn a_header_without_a_text_gets_no_format() {
    for header in
        [json!({ "type": "HEADER" }), json!({ "type": "HEADER", "format": "IMAGE", "text": "x" }), json!({ "type": "BODY", "text": "x" })]
    {
        assert_eq!(normalised(json!([header])), json!([header]));
    }
}

proptest! {
    #[test]
    fn what_is_normal_stays_as_it_is(components in any_components()) {
        let once = normalised(components);
        prop_assert_eq!(normalised(once.clone()), once);
    }
}
