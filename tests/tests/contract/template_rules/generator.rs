//! Templates of every kind that keep all rules, many of them just.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

const WORDS: &[&str] = &["Hello", "bread", "7", "überall", "面包", "off", "don't", "a", "Öffnung", "🥐x"];
const NAMES: &[&str] = &["name", "order_id", "_", "city", "first_name"];
const LABELS: &[&str] = &["Yes", "Stop", "Nur für dich ✨", "A label of 25 characters!", "7"];
const LANGUAGES: &[&str] = &["en", "en_US", "fil", "zh_HK", "prs_AF", "pt_BR", "rw_RW", "es_419", "de"];
const POSITIONAL: &str = "POSITIONAL";
const NAMED: &str = "NAMED";

/// A request to create a template, as the provider takes it.
pub(super) fn template() -> impl Strategy<Value = Value> {
    let kinds = prop_oneof![
        6 => select(&["MARKETING", "UTILITY"][..]).prop_flat_map(|category| (Just(category), formats().prop_flat_map(ordinary))).boxed(),
        1 => formats().prop_flat_map(alone).prop_map(|found| ("MARKETING", found)).boxed(),
        2 => formats().prop_flat_map(offer).prop_map(|found| ("MARKETING", found)).boxed(),
        2 => formats().prop_flat_map(carousel).prop_map(|found| ("MARKETING", found)).boxed(),
        2 => codes().prop_map(|components| ("AUTHENTICATION", (POSITIONAL, components))).boxed(),
    ];
    (name(), select(&LANGUAGES[..7]), kinds, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(name, language, (category, (format, components)), ttl, lower)| {
            let mut components = Value::from(components);
            if lower {
                lower_case(&mut components);
            }
            let mut body = json!({
                "name": name, "language": language, "category": category, "parameter_format": format, "components": components,
            });
            let ttls = ttls(category);
            if let Some(Some(seconds)) = ttls.get(ttl.index(ttls.len())) {
                body["message_send_ttl_seconds"] = (*seconds).into();
            }
            body
        },
    )
}

/// Lives of a message that a category allows, and none.
fn ttls(category: &str) -> [Option<i64>; 4] {
    match category {
        "AUTHENTICATION" => [None, Some(-1), Some(30), Some(900)],
        "UTILITY" => [None, Some(-1), Some(30), Some(43_200)],
        _ => [None, Some(-1), Some(43_200), Some(2_592_000)],
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(&["offer", "a", "_1"][..]).prop_map(str::to_owned), 1 => Just("n".repeat(512))]
}

fn formats() -> impl Strategy<Value = &'static str> {
    select(&[POSITIONAL, NAMED][..])
}

type Found = (&'static str, Vec<Value>);

/// A body, and what may stand beside it.
fn ordinary(format: &'static str) -> BoxedStrategy<Found> {
    (option::of(header(format)), body(format, 1_024), option::of(footer()), option::of(buttons()))
        .prop_map(move |(header, body, footer, buttons)| {
            let buttons = buttons.filter(|buttons| !buttons.is_empty());
            let buttons = buttons.map(|buttons| json!({ "type": "BUTTONS", "buttons": buttons }));
            (format, header.into_iter().chain([body]).chain(footer).chain(buttons).collect())
        })
        .boxed()
}

/// Buttons that stand alone.
fn alone(format: &'static str) -> BoxedStrategy<Found> {
    let button = prop_oneof![
        label().prop_map(|label| json!({ "type": "CATALOG", "text": label })),
        label().prop_map(|label| json!({ "type": "MPM", "text": label })),
    ]
    .prop_map(|button| json!({ "type": "BUTTONS", "buttons": [button] }));
    let last = prop_oneof![2 => button, 1 => Just(json!({ "type": "CALL_PERMISSION_REQUEST" }))];
    (text_header(format), body(format, 1_024), option::of(footer()), last)
        .prop_map(move |(header, body, footer, last)| (format, [header, body].into_iter().chain(footer).chain([last]).collect()))
        .boxed()
}

fn offer(format: &'static str) -> BoxedStrategy<Found> {
    let header = option::of(media_header(&["IMAGE", "VIDEO"]));
    let text = select(&["Only today", "1234567890123456"][..]);
    (header, body(format, 600), text, option::of(any::<bool>()), option::of(coupon()), link())
        .prop_map(move |(header, body, text, expires, coupon, link)| {
            let mut offer = json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": text } });
            if let Some(expires) = expires {
                offer["limited_time_offer"]["has_expiration"] = (expires && coupon.is_some()).into();
            }
            let buttons: Vec<Value> = coupon.into_iter().chain([link]).collect();
            (format, header.into_iter().chain([offer, body, json!({ "type": "BUTTONS", "buttons": buttons })]).collect())
        })
        .boxed()
}

fn carousel(format: &'static str) -> BoxedStrategy<Found> {
    let count = prop_oneof![3 => 2..=3_usize, 1 => Just(10)];
    let kinds = vec(select(&["QUICK_REPLY", "URL", "PHONE_NUMBER"][..]), 1..=2)
        .prop_filter("one telephone number in a card", |kinds| kinds[..] != ["PHONE_NUMBER", "PHONE_NUMBER"]);
    let media = (select(&["IMAGE", "VIDEO"][..]), kinds);
    let products = select(&["SPM", "URL"][..]).prop_map(|kind| ("PRODUCT", vec![kind]));
    let plan = (prop_oneof![3 => media, 1 => products], any::<bool>(), count);
    plan.prop_flat_map(move |((header, kinds), with_body, count)| {
        let card = (body(format, 160), kinds.into_iter().map(card_button).collect::<Vec<_>>()).prop_map(move |(body, buttons)| {
            let mut shown = json!({ "type": "HEADER", "format": header });
            if header != "PRODUCT" {
                shown["example"] = json!({ "header_handle": ["4::card"] });
            }
            let body = with_body.then_some(body);
            let components: Vec<Value> =
                [shown].into_iter().chain(body).chain([json!({ "type": "BUTTONS", "buttons": buttons })]).collect();
            json!({ "components": components })
        });
        (body(format, 1_024), vec(card, count))
    })
    .prop_map(move |(body, cards)| (format, vec![body, json!({ "type": "CAROUSEL", "cards": cards })]))
    .boxed()
}

fn card_button(kind: &'static str) -> BoxedStrategy<Value> {
    match kind {
        "URL" => link(),
        "PHONE_NUMBER" => call(),
        kind => label().prop_map(move |label| json!({ "type": kind, "text": label })).boxed(),
    }
}

/// A template for codes.
fn codes() -> BoxedStrategy<Vec<Value>> {
    let body = option::of(any::<bool>()).prop_map(|secure| with(json!({ "type": "BODY" }), "add_security_recommendation", secure));
    let footer = select(&[1, 10, 90][..]).prop_map(|minutes| json!({ "type": "FOOTER", "code_expiration_minutes": minutes }));
    let app = select(&[("com.example.bakery", "K8a/AINcGX7"), ("a.b", "===========")][..])
        .prop_map(|(package, hash)| json!({ "package_name": package, "signature_hash": hash }));
    let kinds = select(&["COPY_CODE", "ONE_TAP", "ZERO_TAP"][..]);
    let button = (kinds, option::of(label()), option::of(label()), vec(app, 1..=5)).prop_map(|(kind, label, autofill, apps)| {
        let mut button = with(with(json!({ "type": "OTP", "otp_type": kind }), "text", label), "autofill_text", autofill);
        if kind != "COPY_CODE" {
            button["supported_apps"] = apps.into();
        }
        if kind == "ZERO_TAP" {
            button["zero_tap_terms_accepted"] = true.into();
        }
        button
    });
    (body, option::of(footer), button)
        .prop_map(|(body, footer, button)| {
            [body].into_iter().chain(footer).chain([json!({ "type": "BUTTONS", "buttons": [button] })]).collect()
        })
        .boxed()
}

fn header(format: &'static str) -> BoxedStrategy<Value> {
    prop_oneof![
        3 => text_header(format),
        2 => media_header(&["IMAGE", "VIDEO", "DOCUMENT"]),
        1 => Just(json!({ "type": "HEADER", "format": "LOCATION" })),
    ]
    .boxed()
}

fn media_header(formats: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(formats)
        .prop_map(|format| json!({ "type": "HEADER", "format": format, "example": { "header_handle": ["4::aW1hZ2U="] } }))
        .boxed()
}

fn text_header(format: &'static str) -> BoxedStrategy<Value> {
    (text(format, 0..=1, 60), any::<bool>())
        .prop_map(move |(text, says_format)| {
            let mut header = json!({ "type": "HEADER", "text": text.text });
            if says_format {
                header["format"] = "TEXT".into();
            }
            match &text.variables[..] {
                [] => {}
                [_] if format == POSITIONAL => header["example"] = json!({ "header_text": ["7"] }),
                names => header["example"] = json!({ "header_text_named_params": named_samples(names) }),
            }
            header
        })
        .boxed()
}

fn body(format: &'static str, longest: usize) -> BoxedStrategy<Value> {
    (text(format, 0..=3, longest), any::<bool>())
        .prop_map(move |(text, bare)| {
            let mut body = json!({ "type": "BODY", "text": text.text });
            if !text.variables.is_empty() {
                let row = vec!["7"; text.variables.len()];
                body["example"] = match format {
                    NAMED => json!({ "body_text_named_params": named_samples(&text.variables) }),
                    _ if bare && row.len() == 1 => json!({ "body_text": row }),
                    _ => json!({ "body_text": [row] }),
                };
            }
            body
        })
        .boxed()
}

fn footer() -> BoxedStrategy<Value> {
    text(POSITIONAL, 0..=0, 60).prop_map(|text| json!({ "type": "FOOTER", "text": text.text })).boxed()
}

fn named_samples(names: &[String]) -> Value {
    names.iter().rev().map(|name| json!({ "param_name": name, "example": "7" })).collect()
}

#[derive(Clone, Debug)]
struct Text {
    text: String,
    variables: Vec<String>,
}

/// A text on one line, with words before, between and behind its variables; sometimes as long as it may be.
fn text(format: &'static str, variables: std::ops::RangeInclusive<usize>, longest: usize) -> impl Strategy<Value = Text> {
    let pieces = vec(select(WORDS), 1..=2);
    let first = pieces.clone();
    let order = Just([0, 1, 2]).prop_shuffle();
    (first, vec(pieces, variables), order, any::<bool>(), 0..6_u8).prop_map(move |(first, rest, order, again, fill)| {
        let count = rest.len();
        let names: Vec<String> = match format {
            NAMED => NAMES[..count].iter().map(|name| (*name).to_owned()).collect(),
            // Any order, as long as none is missing.
            _ => order.iter().filter(|number| **number < count).map(|number| (number + 1).to_string()).collect(),
        };
        let mut text = first.join(" ");
        for (name, words) in names.iter().zip(&rest) {
            text = format!("{text} {{{{{name}}}}} {}", words.join(" "));
        }
        if again && count > 0 && longest > 60 && format == POSITIONAL {
            text.push_str(" - {{1}}!");
        }
        if fill == 0 {
            let missing = longest - text.chars().count();
            text.extend(std::iter::repeat_n('é', missing));
        }
        Text { text, variables: if format == NAMED { names } else { (1..=count).map(|number| number.to_string()).collect() } }
    })
}

/// Quick replies, and others before or behind them, ten together at most.
fn buttons() -> BoxedStrategy<Vec<Value>> {
    let reply = || label().prop_map(|label| json!({ "type": "QUICK_REPLY", "text": label }));
    let replies = prop_oneof![3 => vec(reply(), 0..=2), 1 => vec(reply(), 10)];
    let others = (vec(link(), 0..=2), option::of(call()), option::of(coupon()), option::of(flow()), option::of(voice()), any::<bool>());
    (replies, others, any::<bool>(), any::<prop::sample::Index>())
        .prop_map(|(replies, (links, call, coupon, flow, voice, contact), first, turn)| {
            let contact = contact.then(|| json!({ "type": "REQUEST_CONTACT_INFO" }));
            let mut others: Vec<Value> = links.into_iter().chain(call).chain(coupon).chain(flow).chain(voice).chain(contact).collect();
            others.truncate(10 - replies.len());
            if !others.is_empty() {
                let turn = turn.index(others.len());
                others.rotate_left(turn);
            }
            if first { [replies, others].concat() } else { [others, replies].concat() }
        })
        .boxed()
}

fn label() -> BoxedStrategy<String> {
    select(LABELS).prop_map(str::to_owned).boxed()
}

fn link() -> BoxedStrategy<Value> {
    (label(), select(&["https://a.example", "http://a.example/x?y=z", "https://a.example/"][..]), 0..4_u8, any::<bool>())
        .prop_map(|(label, url, kind, bare)| {
            let example = format!("{url}42");
            match kind {
                0 => json!({ "type": "URL", "text": label, "url": url }),
                1 => json!({ "type": "URL", "text": label, "url": format!("{url}{}", "x".repeat(2_000 - url.len())) }),
                _ if bare => json!({ "type": "URL", "text": label, "url": format!("{url}{{{{1}}}}"), "example": example }),
                _ => json!({ "type": "URL", "text": label, "url": format!("{url}{{{{1}}}}"), "example": [example] }),
            }
        })
        .boxed()
}

fn call() -> BoxedStrategy<Value> {
    (label(), select(&["+4930123456", "1", "+1 (202) 555-0100-00"][..]))
        .prop_map(|(label, number)| json!({ "type": "PHONE_NUMBER", "text": label, "phone_number": number }))
        .boxed()
}

fn coupon() -> BoxedStrategy<Value> {
    (select(&["S", "SAVE20", "123456789012345"][..]), any::<bool>())
        .prop_map(|(code, bare)| json!({ "type": "COPY_CODE", "example": if bare { json!(code) } else { json!([code]) } }))
        .boxed()
}

fn flow() -> BoxedStrategy<Value> {
    let which = select(&[("flow_id", "1234567890"), ("flow_name", "booking")][..]);
    let action = option::of(select(&["NAVIGATE", "DATA_EXCHANGE"][..]));
    (label(), which, action, option::of(Just("FIRST")))
        .prop_map(|(label, (key, value), action, screen)| {
            let flow = with(json!({ "type": "FLOW", "text": label }), key, Some(value));
            with(with(flow, "flow_action", action), "navigate_screen", screen)
        })
        .boxed()
}

fn voice() -> BoxedStrategy<Value> {
    (label(), option::of(select(&[1_440, 43_200][..])))
        .prop_map(|(label, minutes)| with(json!({ "type": "VOICE_CALL", "text": label }), "ttl_minutes", minutes))
        .boxed()
}

fn with<T: Into<Value>>(mut object: Value, key: &str, value: Option<T>) -> Value {
    if let Some(value) = value {
        object[key] = value.into();
    }
    object
}

/// The provider takes the words of kinds and formats in either case.
fn lower_case(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(lower_case),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(word) if ["type", "format", "otp_type", "flow_action"].contains(&key.as_str()) => {
                        word.make_ascii_lowercase();
                    }
                    value => lower_case(value),
                }
            }
        }
        _ => {}
    }
}
