//! Every figure of the table, just kept and just broken, in templates that are otherwise valid.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::generate::valid;
use crate::templates::{
    model::Category,
    rules::{
        Example, Rule, broken,
        examples::{app, reply, times, x},
        table::{buttons, content, special},
    },
};

/// Puts a figure into a template; false when the template has no place for it.
type Put = fn(&mut Example, usize) -> bool;

static UPPER: &[(&Rule, Put)] = &[
    (&content::NAME, |example, length| {
        example.name = x(length);
        true
    }),
    (&content::HEADER_LENGTH, |example, length| put(header(example).filter(|header| header["format"] == "TEXT"), "text", x(length))),
    (&content::BODY_LENGTH, |example, length| !has(example, "LIMITED_TIME_OFFER") && body(example, x(length))),
    (&special::OFFER_BODY_LENGTH, |example, length| has(example, "LIMITED_TIME_OFFER") && body(example, x(length))),
    (&content::FOOTER_LENGTH, |example, length| !is_for_codes(example) && put(component(example, "FOOTER"), "text", x(length))),
    (&content::PLACEHOLDER_NUMBER, |example, count| {
        example.format == crate::templates::model::ParameterFormat::Positional
            && !is_for_codes(example)
            && !has(example, "LIMITED_TIME_OFFER")
            && component(example, "BODY").is_some_and(|body| {
                *body = super::super::examples::numbered(count).components[0].take();
                true
            })
    }),
    (&content::TTL_MARKETING, |example, seconds| ttl(example, Category::Marketing, seconds)),
    (&content::TTL_UTILITY, |example, seconds| ttl(example, Category::Utility, seconds)),
    (&content::TTL_AUTHENTICATION, |example, seconds| ttl(example, Category::Authentication, seconds)),
    (&buttons::BUTTONS_COUNT, |example, count| {
        !is_for_codes(example)
            && !has(example, "LIMITED_TIME_OFFER")
            && put(component(example, "BUTTONS"), "buttons", times(count, &reply()))
    }),
    (&buttons::LABEL_LENGTH, |example, length| put(any_button(example, |button| button.get("text").is_some()), "text", x(length))),
    (&buttons::LINK_LENGTH, |example, length| {
        put(any_button(example, |button| button["type"] == "URL"), "url", format!("https://{}", x(length - 8)))
    }),
    (&buttons::PHONE_LENGTH, |example, length| {
        put(any_button(example, |button| button["type"] == "PHONE_NUMBER"), "phone_number", "4".repeat(length))
    }),
    (&buttons::COUPON_LENGTH, |example, length| {
        put(any_button(example, |button| button["type"] == "COPY_CODE"), "example", json!([x(length)]))
    }),
    (&buttons::CALL_MINUTES, |example, minutes| {
        put(any_button(example, |button| button["type"] == "VOICE_CALL"), "ttl_minutes", json!(minutes))
    }),
    (&special::OFFER_LENGTH, |example, length| {
        let offer = component(example, "LIMITED_TIME_OFFER");
        put(offer.and_then(|offer| offer.get_mut("limited_time_offer")), "text", x(length))
    }),
    (&special::CARDS_MOST, cards),
    (&special::CARD_BODY_LENGTH, |example, length| {
        let body = component(example, "CAROUSEL").and_then(|carousel| carousel.pointer_mut("/cards/1/components/1"));
        put(body.filter(|body| body["type"] == "BODY"), "text", x(length))
    }),
    (&special::CARD_BODY_LINES, |example, breaks| {
        let body = component(example, "CAROUSEL").and_then(|carousel| carousel.pointer_mut("/cards/0/components/1"));
        put(body.filter(|body| body["type"] == "BODY"), "text", vec!["x"; breaks + 1].join("\n"))
    }),
    (&special::CARD_BUTTON_COUNT, |example, count| card_buttons(example, "IMAGE", &times(count, &reply()))),
    (&special::PRODUCT_BUTTON_COUNT, |example, count| {
        card_buttons(example, "PRODUCT", &times(count, &json!({ "type": "SPM", "text": "See" })))
    }),
    (&special::CODE_MINUTES, |example, minutes| {
        is_for_codes(example) && put(component(example, "FOOTER"), "code_expiration_minutes", json!(minutes))
    }),
    (&special::APPS_COUNT, |example, count| apps(example, times(count, &app("com.example", "0123456789a")))),
    (&special::APP_PACKAGE_LENGTH, |example, length| apps(example, json!([app(&format!("a.{}", x(length - 2)), "0123456789a")]))),
    (&special::APP_SIGNATURE, |example, length| apps(example, json!([app("com.example", &x(length))]))),
];

static LOWER: &[(&Rule, Put)] = &[
    (&content::NAME, |example, length| {
        example.name = x(length);
        true
    }),
    (&content::TTL_MARKETING, |example, seconds| ttl(example, Category::Marketing, seconds)),
    (&content::TTL_UTILITY, |example, seconds| ttl(example, Category::Utility, seconds)),
    (&content::TTL_AUTHENTICATION, |example, seconds| ttl(example, Category::Authentication, seconds)),
    (&buttons::CALL_MINUTES, |example, minutes| {
        put(any_button(example, |button| button["type"] == "VOICE_CALL"), "ttl_minutes", json!(minutes))
    }),
    (&special::CARDS_LEAST, cards),
    (&special::CODE_MINUTES, |example, minutes| {
        is_for_codes(example) && put(component(example, "FOOTER"), "code_expiration_minutes", json!(minutes))
    }),
    (&special::APP_SIGNATURE, |example, length| apps(example, json!([app("com.example", &x(length))]))),
];

fn put(place: Option<&mut Value>, field: &str, value: impl Into<Value>) -> bool {
    place.is_some_and(|place| {
        place[field] = value.into();
        true
    })
}

fn component<'a>(example: &'a mut Example, kind: &str) -> Option<&'a mut Value> {
    example.components.as_array_mut()?.iter_mut().find(|component| component["type"] == kind)
}

fn has(example: &mut Example, kind: &str) -> bool {
    component(example, kind).is_some()
}

fn is_for_codes(example: &Example) -> bool {
    example.category == Category::Authentication
}

fn header(example: &mut Example) -> Option<&mut Value> {
    component(example, "HEADER")
}

fn body(example: &mut Example, text: String) -> bool {
    !is_for_codes(example) && put(component(example, "BODY"), "text", text)
}

fn ttl(example: &mut Example, category: Category, seconds: usize) -> bool {
    example.message_ttl_seconds = i32::try_from(seconds).ok();
    example.category == category
}

fn any_button(example: &mut Example, which: fn(&Value) -> bool) -> Option<&mut Value> {
    component(example, "BUTTONS")?.get_mut("buttons")?.as_array_mut()?.iter_mut().find(|button| which(button))
}

fn cards(example: &mut Example, count: usize) -> bool {
    component(example, "CAROUSEL").is_some_and(|carousel| {
        let card = carousel["cards"][0].take();
        carousel["cards"] = times(count, &card);
        true
    })
}

/// Gives every card the same buttons, when the first one has a header of this format.
fn card_buttons(example: &mut Example, format: &str, buttons: &Value) -> bool {
    let Some(cards) = component(example, "CAROUSEL").and_then(|carousel| carousel["cards"].as_array_mut()) else { return false };
    if cards[0]["components"][0]["format"] != format {
        return false;
    }
    for card in cards {
        let last = card["components"].as_array_mut().and_then(|components| components.last_mut());
        put(last, "buttons", buttons.clone());
    }
    true
}

fn apps(example: &mut Example, apps: Value) -> bool {
    put(any_button(example, |button| matches!(button["otp_type"].as_str(), Some("ONE_TAP" | "ZERO_TAP"))), "supported_apps", apps)
}

fn names(example: &Example) -> BTreeSet<&'static str> {
    broken(example.content()).iter().map(|broken| broken.rule.name).collect()
}

proptest! {
    #[test]
    fn a_figure_is_kept_up_to_its_limit_and_broken_by_one_more(example in valid()) {
        for (rule, put) in UPPER {
            let (mut kept, mut over) = (example.clone(), example.clone());
            if put(&mut kept, rule.most()) && put(&mut over, rule.most() + 1) {
                prop_assert_eq!(names(&kept), BTreeSet::new(), "{} at its limit: {}", rule.name, kept.components);
                prop_assert_eq!(names(&over), BTreeSet::from([rule.name]), "{} over its limit: {}", rule.name, over.components);
            }
        }
    }

    #[test]
    fn a_figure_is_kept_down_to_its_limit_and_broken_by_one_less(example in valid()) {
        for (rule, put) in LOWER {
            let (mut kept, mut under) = (example.clone(), example.clone());
            if put(&mut kept, rule.least()) && put(&mut under, rule.least() - 1) {
                prop_assert_eq!(names(&kept), BTreeSet::new(), "{} at its limit: {}", rule.name, kept.components);
                prop_assert_eq!(names(&under), BTreeSet::from([rule.name]), "{} under its limit: {}", rule.name, under.components);
            }
        }
    }
}

/// The tables above would prove nothing about a rule that no generated template has a place for.
#[test]
fn every_figure_is_tried_somewhere() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let examples: Vec<Example> = (0..400).map(|_| valid().new_tree(&mut runner).expect("a template").current()).collect();
    for (rule, put) in UPPER.iter().chain(LOWER) {
        assert!(examples.iter().any(|example| put(&mut example.clone(), rule.most().min(1_000))), "{}", rule.name);
    }
}
