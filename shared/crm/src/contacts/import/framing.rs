//! Finds where records of a CSV file begin and end, in a window of it, with bounded memory.
//!
//! The csv crate parses fields; it cannot be asked to stop at a quote that is never closed, and would swallow the rest of the file as one
//! record. Here such a line is set aside alone and the lines behind it are kept.

use std::ops::Range;

/// Longest record, in bytes. A quote that is open for longer was never meant to span lines.
pub const MAX_RECORD: usize = 64 * 1024;

/// Why a line is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramingProblem {
    /// A quote is opened and not closed.
    UnclosedQuote,
    /// Text follows a closing quote.
    TextAfterQuote,
    /// The line is longer than [`MAX_RECORD`].
    LineTooLong,
}

impl FramingProblem {
    /// Stable name of the rule.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnclosedQuote => "unclosed-quote",
            Self::TextAfterQuote => "text-after-quote",
            Self::LineTooLong => "line-too-long",
        }
    }

    /// The rule in words.
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnclosedQuote => "a quote is opened and not closed",
            Self::TextAfterQuote => "text follows a closing quote; a quote inside a field is written twice",
            Self::LineTooLong => "the line is longer than 64 kB",
        }
    }
}

/// One record, or one line that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Line on which it begins.
    pub line: u64,
    /// Its bytes in the window, without the end of line.
    pub bytes: Range<usize>,
    /// Why it is none.
    pub problem: Option<FramingProblem>,
}

/// What was found in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Framed {
    /// Records in the order of the file; blank lines are left out.
    pub records: Vec<Record>,
    /// Bytes of the window that are dealt with.
    pub consumed: usize,
    /// Number of the line that begins behind them.
    pub next_line: u64,
    /// The last line is too long and its end was not seen: the caller skips to the next line feed.
    pub open_end: bool,
}

enum Scan {
    /// The record ends before this byte; the next begins at the second one.
    Ends(usize, usize),
    /// Not in this window.
    Incomplete,
    Broken(FramingProblem),
}

/// Finds up to `max_records` records. `at_end` says that nothing follows the window. A window of at least twice [`MAX_RECORD`] always
/// gets further.
pub fn frame(window: &[u8], at_end: bool, delimiter: u8, first_line: u64, max_records: usize) -> Framed {
    let mut framed = Framed { next_line: first_line, ..Framed::default() };
    while framed.records.len() < max_records && framed.consumed < window.len() {
        let start = framed.consumed;
        let (end, next, problem) = match scan(window, start, at_end, delimiter) {
            Scan::Ends(end, next) => (end, next, None),
            Scan::Incomplete => break,
            Scan::Broken(problem) => match end_of_line(window, start, at_end) {
                Some((end, next)) => (end, next, Some(problem)),
                None if window.len() - start < MAX_RECORD => break,
                None => {
                    framed.open_end = true;
                    (window.len(), window.len(), Some(FramingProblem::LineTooLong))
                }
            },
        };
        let blank = window[start..end].iter().all(|&byte| byte == delimiter || byte.is_ascii_whitespace() || byte == b'"');
        if !blank || problem.is_some() {
            framed.records.push(Record { line: framed.next_line, bytes: start..end, problem });
        }
        framed.next_line += lines_in(&window[start..next]);
        framed.consumed = next;
    }
    framed
}

fn scan(window: &[u8], start: usize, at_end: bool, delimiter: u8) -> Scan {
    #[derive(PartialEq)]
    enum State {
        FieldStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }
    let mut state = State::FieldStart;
    for (at, &byte) in window.iter().enumerate().skip(start) {
        if at - start >= MAX_RECORD {
            return Scan::Broken(if state == State::Quoted { FramingProblem::UnclosedQuote } else { FramingProblem::LineTooLong });
        }
        let ends_line = matches!(byte, b'\n' | b'\r');
        state = match (state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::QuoteInQuoted | State::FieldStart, b'"') => State::Quoted,
            (_, _) if ends_line => {
                return match next_line_start(window, at, at_end) {
                    Some(next) => Scan::Ends(at, next),
                    None => Scan::Incomplete,
                };
            }
            (_, byte) if byte == delimiter => State::FieldStart,
            (State::QuoteInQuoted, b' ') => State::QuoteInQuoted,
            (State::QuoteInQuoted, _) => {
                // A quote that closed on a later line most likely belongs to that line.
                let spans_lines = window[start..at].contains(&b'\n');
                return Scan::Broken(if spans_lines { FramingProblem::UnclosedQuote } else { FramingProblem::TextAfterQuote });
            }
            (State::FieldStart | State::Plain, _) => State::Plain,
        };
    }
    match state {
        _ if !at_end => Scan::Incomplete,
        State::Quoted => Scan::Broken(FramingProblem::UnclosedQuote),
        _ => Scan::Ends(window.len(), window.len()),
    }
}

fn end_of_line(window: &[u8], start: usize, at_end: bool) -> Option<(usize, usize)> {
    match window[start..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        Some(length) => next_line_start(window, start + length, at_end).map(|next| (start + length, next)),
        None if at_end => Some((window.len(), window.len())),
        None => None,
    }
}

/// Where the next line begins, given the first byte of an end of line; none while the byte behind a carriage return is not known.
fn next_line_start(window: &[u8], at: usize, at_end: bool) -> Option<usize> {
    match (window[at], window.get(at + 1)) {
        (b'\r', Some(b'\n')) => Some(at + 2),
        (b'\r', None) if !at_end => None,
        _ => Some(at + 1),
    }
}

/// Ends of line in `bytes`: `\n`, `\r\n` and a lone `\r` are one each.
fn lines_in(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().enumerate().filter(|&(at, &byte)| byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')));
    ends.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found<'a> = Vec<(u64, &'a str, Option<FramingProblem>)>;

    fn texts(window: &str, at_end: bool) -> (Found<'_>, Framed) {
        let framed = frame(window.as_bytes(), at_end, b',', 1, 1_000);
        let found = framed.records.iter().map(|record| (record.line, &window[record.bytes.clone()], record.problem)).collect();
        (found, framed)
    }

    #[test]
    fn every_end_of_line_and_blank_lines() {
        let (found, framed) = texts("a,b\r\n\n  \n,,\nc\rd", true);
        assert_eq!(found, [(1, "a,b", None), (5, "c", None), (6, "d", None)]);
        assert_eq!((framed.consumed, framed.next_line), (15, 6));
    }

    #[test]
    fn a_quoted_field_may_span_lines() {
        let (found, framed) = texts("a,\"x\ny \"\"z\"\"\" ,c\nnext\n", true);
        assert_eq!(found, [(1, "a,\"x\ny \"\"z\"\"\" ,c", None), (3, "next", None)]);
        assert_eq!(framed.next_line, 4);
    }

    #[test]
    fn a_broken_quote_costs_its_own_line_only() {
        let (found, _) = texts("1,\"Ada\n2,\"Bob\"\n3,Cyd\n4,\"open\n5,Eve", true);
        assert_eq!(
            found,
            [
                (1, "1,\"Ada", Some(FramingProblem::UnclosedQuote)),
                (2, "2,\"Bob\"", None),
                (3, "3,Cyd", None),
                (4, "4,\"open", Some(FramingProblem::UnclosedQuote)),
                (5, "5,Eve", None),
            ]
        );
    }

    #[test]
    fn a_window_that_ends_inside_a_record_waits_for_more() {
        for window in ["a\nb,c", "a\n\"b\nc", "a\nb\r"] {
            let (found, framed) = texts(window, false);
            assert_eq!(found, [(1, "a", None)]);
            assert_eq!(framed.consumed, 2);
        }
    }

    #[test]
    fn an_endless_line_is_named_and_left_open() {
        let window = "x".repeat(2 * MAX_RECORD);
        let framed = frame(window.as_bytes(), false, b',', 7, 10);
        assert_eq!(framed.records[0].problem, Some(FramingProblem::LineTooLong));
        assert!(framed.open_end);
        assert_eq!(framed.consumed, window.len());
        let quoted = format!("\"open\nx\n{}", "y\n".repeat(MAX_RECORD));
        let framed = frame(quoted.as_bytes(), false, b',', 1, 3);
        assert_eq!(framed.records[0].problem, Some(FramingProblem::UnclosedQuote));
        assert_eq!(framed.records[1].line, 2);
    }
}
