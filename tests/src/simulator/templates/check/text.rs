//! Texts with variables: how variables are written, and their samples.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Checked, Fault, Object,
    parts::{ensure, given, only_sample, text_in},
};
use crate::simulator::error::GraphError;

/// A stretch of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Fixed(&'a str),
    /// Without its braces.
    Variable(&'a str),
}

/// Takes a text apart, fixed stretches (maybe empty) and variables in turn. What is wrong with its braces is the error.
pub(crate) fn pieces(text: &str, named: bool) -> Result<Vec<Piece<'_>>, &'static str> {
    if text.contains("{{{") || text.contains("}}}") {
        return Err("three braces in a row are neither text nor a variable.");
    }
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        match (rest.find("{{"), rest.find("}}")) {
            (None, None) => {
                found.push(Piece::Fixed(rest));
                return Ok(found);
            }
            (Some(open), Some(close)) if open < close => {
                let name = &rest[open + 2..close];
                if !(if named { is_name(name) } else { is_number(name) }) {
                    return Err("a variable is {{1}} in positional templates, {{lower_case}} in named ones.");
                }
                found.push(Piece::Fixed(&rest[..open]));
                found.push(Piece::Variable(name));
                rest = &rest[close + 2..];
            }
            _ => return Err("each {{ has its }}."),
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// 1 to 99 in its plainest spelling.
fn is_number(name: &str) -> bool {
    matches!(name.as_bytes(), [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9'])
}

/// The pieces of a text, and its different variables.
struct Read<'a> {
    pieces: Vec<Piece<'a>>,
    variables: BTreeSet<&'a str>,
}

fn read<'a>(text: &'a str, named: bool, place: &str, fault: Fault) -> Result<Read<'a>, GraphError> {
    let pieces = pieces(text, named).map_err(|sentence| fault.at(place, sentence))?;
    let mut variables = BTreeSet::new();
    for piece in &pieces {
        if let Piece::Variable(name) = piece
            && !variables.insert(*name)
            && named
        {
            return Err(fault.at(place, "a named variable stands once in a text."));
        }
    }
    let counted = |variables: &BTreeSet<&str>| (1..=variables.len()).all(|number| variables.contains(number.to_string().as_str()));
    if !named && !counted(&variables) {
        return Err(fault.at(place, "positional variables count from {{1}} without a gap."));
    }
    Ok(Read { pieces, variables })
}

/// One line that is not blank.
pub(super) fn check_line(text: &str, limit: usize, place: &str, fault: Fault) -> Checked {
    if text.chars().count() > limit {
        return Err(Fault::TooLong.at(place, &format!("the text has at most {limit} characters.")));
    }
    ensure(!text.trim().is_empty() && !text.contains(['\n', '\r']), fault, place, "the text is one line that is not blank.")
}

/// A label of a button.
pub(super) fn check_label(text: &str, place: &str) -> Checked {
    check_line(text, 25, place, Fault::Rest)?;
    ensure(!text.contains(['{', '}']), Fault::Rest, place, "a label has no variables.")
}

pub(super) fn check_header(header: &Object, named: bool) -> Checked {
    const PLACE: &str = "HEADER";
    let text = text_in(header, "text", PLACE, Fault::Header)?.unwrap_or_default();
    check_line(text, 60, PLACE, Fault::Header)?;
    let read = read(text, named, PLACE, Fault::Header)?;
    ensure(read.variables.len() <= 1, Fault::Header, PLACE, "a header has at most one variable.")?;
    let marked = read.pieces.iter().any(|piece| matches!(piece, Piece::Fixed(text) if text.contains(['*', '_', '~', '`'])));
    ensure(!marked, Fault::Header, PLACE, "a header has no formatting.")?;
    if read.variables.is_empty() {
        return Ok(());
    }
    let example = given(header, "example").and_then(Value::as_object);
    let sampled = example.is_some_and(|example| {
        if named {
            named_samples_fit(given(example, "header_text_named_params"), &read.variables)
        } else {
            only_sample(example, "header_text").is_some()
        }
    });
    ensure(sampled, Fault::Header, PLACE, "a sample is required for the variable of the header.")
}

/// The body of a template or of a card.
pub(super) fn check_body(body: &Object, named: bool, place: &str, limit: usize) -> Checked {
    let text = text_in(body, "text", place, Fault::Body)?.unwrap_or_default();
    if text.chars().count() > limit {
        return Err(Fault::TooLong.at(place, &format!("the text has at most {limit} characters.")));
    }
    ensure(!text.trim().is_empty(), Fault::Body, place, "the text is blank.")?;
    let read = read(text, named, place, Fault::Body)?;
    if read.variables.is_empty() {
        return Ok(());
    }
    let blank = |piece: Option<&Piece<'_>>| matches!(piece, Some(Piece::Fixed(text)) if text.trim().is_empty());
    ensure(
        !blank(read.pieces.first()) && !blank(read.pieces.last()),
        Fault::Edge,
        place,
        "variables can't be at the start or end of the text.",
    )?;
    let example = given(body, "example").and_then(Value::as_object);
    let sampled = example.is_some_and(|example| {
        if named {
            named_samples_fit(given(example, "body_text_named_params"), &read.variables)
        } else {
            samples_fit(given(example, "body_text"), read.variables.len())
        }
    });
    ensure(sampled, Fault::Body, place, "exactly one sample is required for each variable.")
}

/// Meta refuses "too many variables for the length"; its formula is unpublished: a word of text for each variable is asked for here.
pub(super) fn check_ratio(body: &Object, named: bool) -> Checked {
    let read = read(text_in(body, "text", "BODY", Fault::Body)?.unwrap_or_default(), named, "BODY", Fault::Body)?;
    let words = read.pieces.iter().filter_map(|piece| match piece {
        Piece::Fixed(text) => Some(text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()),
        Piece::Variable(_) => None,
    });
    let enough = words.sum::<usize>() >= read.variables.len();
    ensure(enough, Fault::Ratio, "BODY", "there are too many variables for the length of the text.")
}

/// Whether two variables stand beside each other.
pub(super) fn adjacent(text: &str, named: bool) -> bool {
    let pieces = pieces(text, named).unwrap_or_default();
    let inner = pieces.iter().skip(1).take(pieces.len().saturating_sub(2));
    let mut inner = inner.filter_map(|piece| if let Piece::Fixed(text) = piece { Some(text) } else { None });
    inner.any(|text| text.trim().is_empty())
}

/// One row with a sample for each variable.
fn samples_fit(samples: Option<&Value>, variables: usize) -> bool {
    let Some([Value::Array(row)]) = samples.and_then(Value::as_array).map(Vec::as_slice) else { return false };
    row.len() == variables && row.iter().all(is_sample)
}

fn named_samples_fit(samples: Option<&Value>, variables: &BTreeSet<&str>) -> bool {
    let Some(samples) = samples.and_then(Value::as_array) else { return false };
    let names: BTreeSet<&str> = samples.iter().filter_map(|sample| sample["param_name"].as_str()).collect();
    samples.len() == variables.len() && names == *variables && samples.iter().all(|sample| is_sample(&sample["example"]))
}

fn is_sample(sample: &Value) -> bool {
    sample.as_str().is_some_and(|sample| !sample.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_its_variables() {
        assert_eq!(pieces("Hi {{1}}!", false), Ok(vec![Piece::Fixed("Hi "), Piece::Variable("1"), Piece::Fixed("!")]));
        assert_eq!(pieces("{ one } brace", false), Ok(vec![Piece::Fixed("{ one } brace")]));
        assert_eq!(pieces("{{a_b}}", true).map(|pieces| pieces.len()), Ok(3));
        for (text, named) in [
            ("{{1", false),
            ("1}}", false),
            ("}}1{{", false),
            ("{{{1}}}", false),
            ("{{ 1 }}", false),
            ("{{01}}", false),
            ("{{100}}", false),
            ("{{}}", false),
            ("{{name}}", false),
            ("{{1}}", true),
            ("{{Name}}", true),
            ("{{a{b}}", true),
        ] {
            assert!(pieces(text, named).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_of_a_text_make_up_the_text(text in r"[{}12a_ü \n]{0,24}", named in any::<bool>()) {
            if let Ok(pieces) = pieces(&text, named) {
                let whole: String = pieces.iter().map(|piece| match piece {
                    Piece::Fixed(text) => (*text).to_owned(),
                    Piece::Variable(name) => format!("{{{{{name}}}}}"),
                }).collect();
                prop_assert_eq!(&whole, &text);
                prop_assert!(pieces.len() % 2 == 1);
            }
        }
    }

    #[test]
    fn variables_touch_when_only_blanks_are_between() {
        for (text, touch) in [("a {{1}} {{2}} b", true), ("a {{1}}\n{{2}} b", true), ("a {{1}}, {{2}} b", false), ("a {{1}} b", false)] {
            assert_eq!(adjacent(text, false), touch, "{text}");
        }
    }
}
