//! Header, body and footer.

use serde_json::Value;

use super::{
    Whole, is_blank,
    place::Place,
    table::{content as rule, special},
    text::{Parts, Samples, TextRules, check_text, samples},
    text_of,
};

const HEADER: TextRules = TextRules {
    missing: &rule::HEADER_TEXT,
    length: &rule::HEADER_LENGTH,
    lines: Some(&rule::HEADER_LINE),
    variables: Some(&rule::HEADER_VARIABLES),
};
const HEADER_SAMPLES: Samples = Samples { positional: "header_text", in_rows: false, named: "header_text_named_params" };

const BODY: TextRules = TextRules { missing: &rule::BODY_TEXT, length: &rule::BODY_LENGTH, lines: None, variables: None };
const BODY_SAMPLES: Samples = Samples { positional: "body_text", in_rows: true, named: "body_text_named_params" };

const FOOTER: TextRules = TextRules {
    missing: &rule::FOOTER_TEXT,
    length: &rule::FOOTER_LENGTH,
    lines: Some(&rule::FOOTER_LINE),
    variables: Some(&rule::FOOTER_VARIABLES),
};

pub(super) fn check_header(at: &mut Place<'_>, header: &Value) {
    match text_of(header, "format").filter(|format| rule::HEADER_FORMAT.names(format)) {
        Some("TEXT") => check_header_text(at, header),
        Some("LOCATION") => {}
        Some(_) => check_media(at, header),
        None => at.broken("format", &rule::HEADER_FORMAT),
    }
}

fn check_header_text(at: &mut Place<'_>, header: &Value) {
    let Some(parts) = check_text(at, header, &HEADER, Some(&HEADER_SAMPLES)) else { return };
    let has_mark = |literal: &&str| rule::HEADER_PLAIN.words().iter().any(|mark| literal.contains(mark));
    if parts.literals.iter().any(has_mark) {
        at.broken("text", &rule::HEADER_PLAIN);
    }
}

/// A header that shows a file has the handle of a sample; the id of a file of ours stands for one.
pub(super) fn check_media(at: &mut Place<'_>, header: &Value) {
    let handles = header.get("example").and_then(|example| example.get("header_handle")).and_then(samples);
    if !handles.is_some_and(|handles| rule::MEDIA_SAMPLE.covers(handles.len())) {
        at.broken("example.header_handle", &rule::MEDIA_SAMPLE);
    }
}

pub(super) fn check_body(at: &mut Place<'_>, body: &Value, whole: &Whole<'_>) {
    let has_offer = whole.get("LIMITED_TIME_OFFER").is_some();
    let rules = if has_offer { TextRules { length: &special::OFFER_BODY_LENGTH, ..BODY } } else { BODY };
    let Some(parts) = check_text(at, body, &rules, Some(&BODY_SAMPLES)) else { return };
    check_neighbours(at, &parts);
    if words(&parts) < parts.variables().len() {
        at.broken("text", &rule::BODY_WORDS);
    }
}

/// The body of a card is shorter, and need not have as many words.
pub(super) fn check_card_body(at: &mut Place<'_>, body: &Value) {
    let rules = TextRules { length: &special::CARD_BODY_LENGTH, lines: Some(&special::CARD_BODY_LINES), ..BODY };
    if let Some(parts) = check_text(at, body, &rules, Some(&BODY_SAMPLES)) {
        check_neighbours(at, &parts);
    }
}

pub(super) fn check_footer(at: &mut Place<'_>, footer: &Value) {
    check_text(at, footer, &FOOTER, None);
}

/// A variable has text on both sides.
fn check_neighbours(at: &mut Place<'_>, parts: &Parts<'_>) {
    if let [first, between @ .., last] = parts.literals.as_slice() {
        if is_blank(first) || is_blank(last) {
            at.broken("text", &rule::BODY_EDGE);
        }
        if between.iter().any(|literal| is_blank(literal)) {
            at.broken("text", &rule::BODY_ADJACENT);
        }
    }
}

/// Words of the fixed text.
fn words(parts: &Parts<'_>) -> usize {
    parts.literals.iter().flat_map(|literal| literal.split_whitespace()).filter(|word| word.contains(char::is_alphanumeric)).count()
}
