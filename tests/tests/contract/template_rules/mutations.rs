//! Small changes to a template, most of which break a rule or just do not.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};

/// Lengths at the limits of texts and lists.
const LENGTHS: &[usize] =
    &[0, 1, 2, 10, 11, 12, 15, 16, 17, 20, 21, 25, 26, 60, 61, 160, 161, 224, 225, 512, 513, 600, 601, 1_024, 1_025, 2_000, 2_001];
/// Pieces of text that rules speak of.
const SNIPPETS: &[&str] = &[
    "{{1}}",
    "{{2}}",
    "{{3}}",
    "{{4}}",
    "{{0}}",
    "{{01}}",
    "{{ 1 }}",
    "{{99}}",
    "{{100}}",
    "{{name}}",
    "{{Name}}",
    "{{a1}}",
    "{{_}}",
    "{{}}",
    "{{+1}}",
    "{{１}}",
    "{{",
    "}}",
    "{{{",
    "}}}",
    "{",
    "}",
    "\n",
    "\r",
    "\t",
    "\n\n\n",
    " ",
    "\u{a0}",
    "*",
    "_",
    "~",
    "`",
    ".",
    "x",
    "é",
    "🥐",
    "/",
    "{{1}} {{2}}",
    " {{1}}, {{2}}, {{3}}.",
];
/// Words that stand for something, somewhere.
const TERMS: &[&str] = &[
    "HEADER",
    "BODY",
    "FOOTER",
    "BUTTONS",
    "CAROUSEL",
    "LIMITED_TIME_OFFER",
    "TEXT",
    "IMAGE",
    "VIDEO",
    "DOCUMENT",
    "LOCATION",
    "PRODUCT",
    "GIF",
    "QUICK_REPLY",
    "URL",
    "PHONE_NUMBER",
    "COPY_CODE",
    "FLOW",
    "CATALOG",
    "MPM",
    "SPM",
    "VOICE_CALL",
    "CALL_PERMISSION_REQUEST",
    "REQUEST_CONTACT_INFO",
    "OTP",
    "APP",
    "ONE_TAP",
    "ZERO_TAP",
    "NAVIGATE",
    "DATA_EXCHANGE",
    "MARKETING",
    "UTILITY",
    "AUTHENTICATION",
    "POSITIONAL",
    "NAMED",
    "quick_reply",
    "en",
    "en_US",
    "en_us",
    "es_419",
    "zz",
    "http://",
    "https://a.example/{{1}}",
    "a.example",
    "com.example",
    "example",
    "1.a",
    "a..b",
    "0123456789a",
    "0123456789-",
];
const NUMBERS: &[i64] = &[-2, -1, 0, 1, 29, 30, 31, 90, 91, 900, 901, 1_439, 1_440, 43_199, 43_200, 43_201, 2_592_000, 2_592_001];

/// One change. Places are chosen among those it can be made at; without one nothing changes.
#[derive(Clone, Debug)]
pub(super) enum Mutation {
    /// Puts a piece into a text of a component, at a character.
    Insert { text: Index, at: Index, piece: &'static str },
    /// Cuts or fills a text of a component to a length.
    Resize { text: Index, length: usize, filler: char },
    /// Gives the template a name of a length.
    Name { length: usize },
    /// Makes a text a certain word.
    Word { text: Index, word: &'static str },
    /// Makes a number another one.
    Number { number: Index, value: i64 },
    /// Takes an element out of a list.
    Remove { list: Index, at: Index },
    /// Puts a copy of an element behind it.
    Repeat { list: Index, at: Index, times: usize },
    /// Puts an element elsewhere.
    Move { list: Index, from: Index, to: Index },
    /// Takes a field away.
    Forget { object: Index, field: Index },
    /// Puts a component or button into a list.
    Add { list: Index, at: Index, what: Value },
    /// Sets a field.
    Set { object: Index, field: &'static str, value: Value },
    /// Puts something in the place of anything.
    Replace { node: Index, value: Value },
}

pub(super) fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    // Most are near; some are far.
    prop_oneof![9 => vec(mutation(), 0..=2), 1 => vec(mutation(), 3..=6)]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = || any::<Index>();
    prop_oneof![
        4 => (index(), index(), select(SNIPPETS)).prop_map(|(text, at, piece)| Mutation::Insert { text, at, piece }),
        4 => (index(), select(LENGTHS), select(&['x', 'é', '🥐', ' ', '7'][..]))
            .prop_map(|(text, length, filler)| Mutation::Resize { text, length, filler }),
        1 => select(&[0, 1, 512, 513][..]).prop_map(|length| Mutation::Name { length }),
        3 => (index(), select(TERMS)).prop_map(|(text, word)| Mutation::Word { text, word }),
        2 => (index(), select(NUMBERS)).prop_map(|(number, value)| Mutation::Number { number, value }),
        2 => (index(), index()).prop_map(|(list, at)| Mutation::Remove { list, at }),
        2 => (index(), index(), select(&[1, 2, 4, 9, 10][..])).prop_map(|(list, at, times)| Mutation::Repeat { list, at, times }),
        1 => (index(), index(), index()).prop_map(|(list, from, to)| Mutation::Move { list, from, to }),
        3 => (index(), index()).prop_map(|(object, field)| Mutation::Forget { object, field }),
        3 => (index(), index(), select(additions())).prop_map(|(list, at, what)| Mutation::Add { list, at, what }),
        3 => (index(), select(settings())).prop_map(|(object, (field, value))| Mutation::Set { object, field, value }),
        1 => (index(), select(junk())).prop_map(|(node, value)| Mutation::Replace { node, value }),
    ]
}

fn additions() -> Vec<Value> {
    vec![
        json!({ "type": "HEADER", "format": "TEXT", "text": "A header" }),
        json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::x"] } }),
        json!({ "type": "BODY", "text": "A body" }),
        json!({ "type": "FOOTER", "text": "A footer" }),
        json!({ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "Yes" }] }),
        json!({ "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "Go", "url": "https://a.example" }] }),
        json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Today" } }),
        json!({ "type": "QUICK_REPLY", "text": "No" }),
        json!({ "type": "URL", "text": "Go", "url": "https://a.example/{{1}}", "example": ["https://a.example/1"] }),
        json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+4930123456" }),
        json!({ "type": "COPY_CODE", "example": ["SAVE"] }),
        json!({ "type": "CATALOG", "text": "View" }),
        json!({ "type": "REQUEST_CONTACT_INFO" }),
        json!("one more"),
        json!("x"),
    ]
}

fn settings() -> Vec<(&'static str, Value)> {
    vec![
        ("example", json!({ "body_text": [["a", "b"]] })),
        ("example", json!({ "body_text": [["a"]] })),
        ("example", json!({ "header_text": ["a"] })),
        ("example", json!({ "body_text_named_params": [{ "param_name": "name", "example": "a" }] })),
        ("example", json!({ "header_handle": ["4::x", "4::y"] })),
        ("example", json!(["a", "b"])),
        ("example", json!("a")),
        ("text", json!("Hello {{1}}, you.")),
        ("text", json!("Hello {{name}}, you.")),
        ("text", json!("Your code")),
        ("format", json!("LOCATION")),
        ("format", json!("TEXT")),
        ("flow_id", json!("77")),
        ("flow_id", json!("7x")),
        ("flow_name", json!("booking")),
        ("navigate_screen", json!(" ")),
        ("ttl_minutes", json!(1_439)),
        ("code_expiration_minutes", json!(91)),
        ("add_security_recommendation", json!("yes")),
        ("zero_tap_terms_accepted", json!(false)),
        ("has_expiration", json!(true)),
        ("autofill_text", json!("x".repeat(26))),
        ("otp_type", json!("ZERO_TAP")),
        ("message_send_ttl_seconds", json!(30)),
        ("message_send_ttl_seconds", json!(43_200)),
        ("message_send_ttl_seconds", json!(901)),
        ("supported_apps", json!([{ "package_name": "a.b", "signature_hash": "12345678901" }])),
    ]
}

/// Things of another kind.
fn junk() -> Vec<Value> {
    vec![json!(7), json!(true), json!([]), json!({}), json!(""), json!("x"), json!(1.5), json!(["x"]), json!([["x"]])]
}

impl Mutation {
    /// Makes the change.
    pub(super) fn apply(&self, template: &mut Value) {
        match self {
            Self::Insert { text, at, piece } => change(&mut template["components"], *text, is_text, |value| {
                let text = value.as_str().unwrap_or_default();
                let place = at.index(text.chars().count() + 1);
                let (before, behind): (String, String) = (text.chars().take(place).collect(), text.chars().skip(place).collect());
                *value = format!("{before}{piece}{behind}").into();
            }),
            Self::Resize { text, length, filler } => change(&mut template["components"], *text, is_text, |value| {
                let text = value.as_str().unwrap_or_default();
                *value = text.chars().chain(std::iter::repeat(*filler)).take(*length).collect::<String>().into();
            }),
            Self::Name { length } => template["name"] = "n".repeat(*length).into(),
            Self::Word { text, word } => change(template, *text, Value::is_string, |value| *value = (*word).into()),
            Self::Number { number, value } => change(template, *number, Value::is_number, |found| *found = (*value).into()),
            Self::Remove { list, at } => change_list(template, *list, |list| drop(list.remove(at.index(list.len())))),
            Self::Repeat { list, at, times } => change_list(template, *list, |list| {
                let at = at.index(list.len());
                let copies = vec![list[at].clone(); *times];
                list.splice(at..at, copies);
            }),
            Self::Move { list, from, to } => change_list(template, *list, |list| {
                let taken = list.remove(from.index(list.len()));
                list.insert(to.index(list.len() + 1), taken);
            }),
            Self::Forget { object, field } => change(template, *object, is_filled_object, |value| {
                let fields = value.as_object_mut().expect("an object");
                let name = fields.keys().nth(field.index(fields.len())).expect("a field").clone();
                fields.remove(&name);
            }),
            Self::Add { list, at, what } => change_list(template, *list, |list| list.insert(at.index(list.len() + 1), what.clone())),
            Self::Set { object, field, value } => change(template, *object, is_filled_object, |found| found[*field] = value.clone()),
            Self::Replace { node, value } => change(template, *node, is_part, |found| *found = value.clone()),
        }
    }
}

fn is_filled_object(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| !fields.is_empty())
}

/// Not a word that stands for something.
fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
}

/// Not the whole: what is no object is refused before anybody looks at rules.
fn is_part(value: &Value) -> bool {
    value.get("components").is_none()
}

fn change_list(template: &mut Value, list: Index, edit: impl FnOnce(&mut Vec<Value>)) {
    let is_filled = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
    change(template, list, is_filled, |value| edit(value.as_array_mut().expect("a list")));
}

/// Changes one of the places that fit, by their order in the template.
fn change(template: &mut Value, which: Index, fits: fn(&Value) -> bool, edit: impl FnOnce(&mut Value)) {
    let mut places = Vec::new();
    collect(template, &mut String::new(), fits, &mut places);
    if places.is_empty() {
        return;
    }
    let place = &places[which.index(places.len())];
    edit(template.pointer_mut(place).expect("a place that was found"));
}

fn collect(value: &Value, path: &mut String, fits: fn(&Value) -> bool, places: &mut Vec<String>) {
    if fits(value) {
        places.push(path.clone());
    }
    let length = path.len();
    let mut step = |part: &str, value: &Value, path: &mut String| {
        path.push('/');
        path.push_str(part);
        collect(value, path, fits, places);
        path.truncate(length);
    };
    match value {
        Value::Array(values) => values.iter().enumerate().for_each(|(index, value)| step(&index.to_string(), value, path)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| step(name, value, path)),
        _ => {}
    }
}
