//! Templates by chance: such as keep every rule, and any JSON.

use proptest::{option, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::templates::{
    model::{Category, ParameterFormat},
    rules::examples::{Example, app},
};

/// What stands where a rule looks, and what does not.
const WORDS: &str = "HEADER|BODY|FOOTER|BUTTONS|LIMITED_TIME_OFFER|CAROUSEL|TEXT|IMAGE|VIDEO|DOCUMENT|LOCATION|PRODUCT|QUICK_REPLY|URL|\
    PHONE_NUMBER|COPY_CODE|FLOW|CATALOG|MPM|SPM|VOICE_CALL|OTP|ONE_TAP|ZERO_TAP|header|{{1}}|{{name}}|Hi {{1}}, you|{{|}}|\
    https://a.example/{{1}}|https://| ||\n|x|é漢\u{1f600}|a.b|7";
const KEYS: &str = "type|format|text|example|buttons|cards|components|limited_time_offer|has_expiration|header_text|header_handle|\
    body_text|body_text_named_params|header_text_named_params|param_name|url|phone_number|flow_id|flow_name|flow_action|navigate_screen|\
    ttl_minutes|otp_type|supported_apps|package_name|signature_hash|zero_tap_terms_accepted|add_security_recommendation|\
    code_expiration_minutes|autofill_text";

fn one_of(list: &'static str) -> impl Strategy<Value = &'static str> + Clone {
    select(list.split('|').collect::<Vec<_>>())
}

/// The name of a field that some part of a template has.
pub(super) fn any_key() -> impl Strategy<Value = &'static str> {
    one_of(KEYS)
}

/// Any JSON, in the words of templates.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
        one_of(WORDS).prop_map(Value::from),
        one_of(WORDS).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

/// Any list of components, more or less.
pub(super) fn any_components() -> impl Strategy<Value = Value> {
    let kinds = select(crate::templates::rules::table::content::COMPONENT_KIND.words());
    let component = (kinds, any_json()).prop_map(|(kind, mut value)| {
        if let Some(fields) = value.as_object_mut() {
            fields.insert("type".into(), kind.into());
        }
        value
    });
    prop_oneof![any_json(), prop::collection::vec(component, 0..7).prop_map(Value::from)]
}

/// A template of any kind that keeps every rule.
pub(super) fn valid() -> impl Strategy<Value = Example> {
    let format = select(&[ParameterFormat::Positional, ParameterFormat::Named][..]);
    format.prop_flat_map(|format| {
        let marketing = prop_oneof![ordinary(format), ordinary(format), offers(format), carousels(format), alone(format)];
        prop_oneof![
            (marketing, seconds(43_200, 2_592_000)).prop_map(move |made| example(Category::Marketing, format, made)),
            (ordinary(format), seconds(30, 43_200)).prop_map(move |made| example(Category::Utility, format, made)),
            (one_time_codes(), seconds(30, 900)).prop_map(move |made| example(Category::Authentication, format, made)),
        ]
    })
}

fn example(category: Category, format: ParameterFormat, (components, message_ttl_seconds): (Vec<Value>, Option<i32>)) -> Example {
    Example { name: "offer_1".into(), language: "pt_BR".into(), category, format, message_ttl_seconds, components: components.into() }
}

fn seconds(least: i32, most: i32) -> impl Strategy<Value = Option<i32>> {
    option::of(prop_oneof![Just(-1), least..=most])
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9]{1,8}", "[äßñ漢字é]{1,4}", "\\*[a-z]{2,6}\\*"]
}

/// A text with up to `most` variables, words around each, and its samples in an `example` under the given names.
fn text(format: ParameterFormat, most: usize, positional: &'static str, named: &'static str) -> impl Strategy<Value = (String, Value)> {
    let names = Just((1..=most).collect::<Vec<_>>()).prop_shuffle();
    (word(), prop::collection::vec((word(), "[ -~]{0,6}[!-~]"), 0..=most), names).prop_map(move |(first, following, order)| {
        let count = following.len();
        let order = order.into_iter().filter(|number| *number <= count);
        let name_of = |number: usize| match format {
            ParameterFormat::Positional => number.to_string(),
            ParameterFormat::Named => "_".repeat(number) + "name",
        };
        let text =
            following.iter().zip(order).fold(first, |text, ((word, _), number)| format!("{text} {{{{{}}}}} {word}", name_of(number)));
        let samples = following.iter().map(|(_, sample)| sample);
        let example = match format {
            ParameterFormat::Positional if positional == "body_text" => json!({ positional: [samples.collect::<Vec<_>>()] }),
            ParameterFormat::Positional => json!({ positional: samples.collect::<Vec<_>>() }),
            ParameterFormat::Named => {
                let named_samples = samples.zip(1..).map(|(sample, number)| json!({ "param_name": name_of(number), "example": sample }));
                json!({ named: named_samples.collect::<Vec<_>>() })
            }
        };
        (text, example)
    })
}

fn body(format: ParameterFormat, most: usize) -> impl Strategy<Value = Value> {
    text(format, most, "body_text", "body_text_named_params")
        .prop_map(|(text, example)| json!({ "type": "BODY", "text": text, "example": example }))
}

fn text_header(format: ParameterFormat) -> impl Strategy<Value = Value> {
    text(format, 1, "header_text", "header_text_named_params")
        .prop_map(|(text, example)| json!({ "type": "HEADER", "format": "TEXT", "text": text.replace('*', ""), "example": example }))
}

fn media_header(formats: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let handle = prop_oneof!["4::[a-zA-Z0-9]{1,20}", "file:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"];
    (select(formats), handle)
        .prop_map(|(format, handle)| json!({ "type": "HEADER", "format": format, "example": { "header_handle": [handle] } }))
}

fn header(format: ParameterFormat) -> impl Strategy<Value = Value> {
    let location = Just(json!({ "type": "HEADER", "format": "LOCATION" }));
    prop_oneof![text_header(format), media_header(&["IMAGE", "VIDEO", "DOCUMENT"]), location]
}

fn footer() -> impl Strategy<Value = Value> {
    word().prop_map(|text| json!({ "type": "FOOTER", "text": text }))
}

fn labelled(kind: &'static str) -> impl Strategy<Value = Value> {
    word().prop_map(move |label| json!({ "type": kind, "text": label }))
}

fn link() -> impl Strategy<Value = Value> {
    (word(), any::<bool>()).prop_map(|(label, varies)| {
        let mut link = json!({ "type": "URL", "text": label, "url": "http://a.example" });
        if varies {
            link["url"] = "https://a.example/{{1}}".into();
            link["example"] = json!(["https://a.example/x"]);
        }
        link
    })
}

fn phone() -> impl Strategy<Value = Value> {
    (word(), "\\+[0-9]{1,15}").prop_map(|(label, number)| json!({ "type": "PHONE_NUMBER", "text": label, "phone_number": number }))
}

fn coupon() -> impl Strategy<Value = Value> {
    "[A-Z0-9]{1,15}".prop_map(|code| json!({ "type": "COPY_CODE", "example": [code] }))
}

fn others() -> impl Strategy<Value = Vec<Value>> {
    let flow = (word(), any::<bool>()).prop_map(|(label, by_id)| {
        if by_id {
            json!({ "type": "FLOW", "text": label, "flow_id": "123", "flow_action": "NAVIGATE", "navigate_screen": "START" })
        } else {
            json!({ "type": "FLOW", "text": label, "flow_name": "Booking", "flow_action": "DATA_EXCHANGE" })
        }
    });
    let call = (word(), 1_440..=43_200).prop_map(|(label, minutes)| json!({ "type": "VOICE_CALL", "text": label, "ttl_minutes": minutes }));
    let contact = any::<bool>().prop_map(|there| there.then(|| json!({ "type": "REQUEST_CONTACT_INFO" })));
    let singles = (option::of(phone()), option::of(coupon()), option::of(flow), option::of(call), contact);
    (prop::collection::vec(link(), 0..=2), singles)
        .prop_map(|(links, (a, b, c, d, e))| links.into_iter().chain([a, b, c, d, e].into_iter().flatten()).collect::<Vec<_>>())
        .prop_shuffle()
}

fn buttons() -> impl Strategy<Value = Option<Value>> {
    (prop::collection::vec(labelled("QUICK_REPLY"), 0..=3), others(), any::<bool>()).prop_map(|(replies, others, replies_first)| {
        let all: Vec<Value> = if replies_first { [replies, others].concat() } else { [others, replies].concat() };
        (!all.is_empty()).then(|| json!({ "type": "BUTTONS", "buttons": all }))
    })
}

fn ordinary(format: ParameterFormat) -> BoxedStrategy<Vec<Value>> {
    (option::of(header(format)), body(format, 12), option::of(footer()), buttons())
        .prop_map(|(header, body, footer, buttons)| [header, Some(body), footer, buttons].into_iter().flatten().collect::<Vec<_>>())
        .prop_shuffle()
        .boxed()
}

fn offers(format: ParameterFormat) -> BoxedStrategy<Vec<Value>> {
    let offer = (word(), option::of(any::<bool>()));
    (option::of(media_header(&["IMAGE", "VIDEO"])), body(format, 4), offer, option::of(coupon()), link())
        .prop_map(|(header, body, (text, ends), coupon, link)| {
            let mut offer = json!({ "text": text });
            if let Some(ends) = ends {
                offer["has_expiration"] = (ends && coupon.is_some()).into();
            }
            let offer = json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": offer });
            let buttons: Vec<Value> = coupon.into_iter().chain([link]).collect();
            header.into_iter().chain([offer, body, json!({ "type": "BUTTONS", "buttons": buttons })]).collect()
        })
        .boxed()
}

/// Buttons that suffer no other beside them.
fn alone(format: ParameterFormat) -> BoxedStrategy<Vec<Value>> {
    let asks = Just(json!({ "type": "CALL_PERMISSION_REQUEST" }));
    let button = prop_oneof![labelled("CATALOG"), labelled("MPM")].prop_map(|button| json!({ "type": "BUTTONS", "buttons": [button] }));
    (text_header(format), body(format, 2), prop_oneof![2 => button, 1 => asks])
        .prop_map(|(header, body, last)| vec![header, body, last])
        .boxed()
}

fn carousels(format: ParameterFormat) -> BoxedStrategy<Vec<Value>> {
    let card_of = |header: Value, body: Option<Value>, buttons: Vec<Value>| {
        let buttons = json!({ "type": "BUTTONS", "buttons": buttons });
        let components: Vec<Value> = [Some(header), body, Some(buttons)].into_iter().flatten().collect();
        json!({ "components": components })
    };
    let media = select(&["IMAGE", "VIDEO"][..]).prop_flat_map(move |kind| {
        let header = media_header(if kind == "IMAGE" { &["IMAGE"] } else { &["VIDEO"] });
        let card = (header, body(format, 2), labelled("QUICK_REPLY"), link());
        let card = card.prop_map(move |(header, body, reply, link)| card_of(header, Some(body), vec![reply, link]));
        prop::collection::vec(card, 2..=10)
    });
    let single = labelled("SPM").prop_map(move |button| card_of(json!({ "type": "HEADER", "format": "PRODUCT" }), None, vec![button]));
    let cards = prop_oneof![media, prop::collection::vec(single, 2..=10)];
    (body(format, 4), cards).prop_map(|(body, cards)| vec![body, json!({ "type": "CAROUSEL", "cards": cards })]).boxed()
}

fn one_time_codes() -> BoxedStrategy<Vec<Value>> {
    let apps = prop::collection::vec(("[a-z]{1,9}(\\.[a-zA-Z][a-zA-Z0-9_]{0,9}){1,3}", "[A-Za-z0-9+/=]{11}"), 1..=5);
    let button = (select(&["COPY_CODE", "ONE_TAP", "ZERO_TAP"][..]), option::of(word()), apps).prop_map(|(kind, label, apps)| {
        let apps: Vec<Value> = apps.iter().map(|(package, hash)| app(package, hash)).collect();
        let mut button = json!({ "type": "OTP", "otp_type": kind, "supported_apps": apps, "zero_tap_terms_accepted": true });
        if let Some(label) = label {
            button["text"] = label.into();
        }
        json!({ "type": "BUTTONS", "buttons": [button] })
    });
    let footer = (1..=90).prop_map(|minutes| json!({ "type": "FOOTER", "code_expiration_minutes": minutes }));
    (option::of(footer), any::<bool>(), button)
        .prop_map(|(footer, advice, button)| {
            let body = json!({ "type": "BODY", "add_security_recommendation": advice });
            [Some(body), footer, Some(button)].into_iter().flatten().collect()
        })
        .boxed()
}
