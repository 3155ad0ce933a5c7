//! WhatsApp's text formatting as a tree, for whoever shows a message.
//!
//! | written | shown |
//! |---|---|
//! | `*text*`, `_text_`, `~text~` | bold, italic, struck through; they nest |
//! | `` `text` `` | code: nothing counts inside it |
//! | three backticks on both sides | monospace, over several lines if need be; nothing counts inside it |
//! | `> text` at the beginning of a line | quote |
//! | `* text` or `- text` at the beginning of a line | item of a list |
//! | `1. text` at the beginning of a line | item of a numbered list |
//!
//! A mark counts only at the edge of a word: it opens where no letter or digit stands before it and no blank behind it, and closes the other way
//! round, on the same line. Whatever does not count is text. Each text has a tree, made in one pass; it is at most a block, bold, italic and
//! struck through deep.
//!
//! # Source
//!
//! WhatsApp, help centre, "How to format your messages". What it leaves open is as its applications do it.

mod inline;

use std::ops::Range;

use serde::Serialize;

use inline::Span;

/// Digits of the number of an item: more is a number in a text.
const NUMBER_DIGITS: usize = 3;
/// The mark of monospace.
const FENCE: &str = "```";

/// A part of a message that begins on a line of its own. Between two blocks there is a line break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Block {
    /// Lines of text.
    Paragraph {
        /// With line breaks in the texts.
        content: Vec<Inline>,
    },
    /// Lines that quote somebody.
    Quote {
        /// With line breaks in the texts.
        content: Vec<Inline>,
    },
    /// A list with bullets.
    BulletedList {
        /// Each on a line of its own.
        items: Vec<Item>,
    },
    /// A list with numbers.
    NumberedList {
        /// Each on a line of its own.
        items: Vec<NumberedItem>,
    },
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What stands behind the bullet.
    pub content: Vec<Inline>,
}

/// An item of a list with numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberedItem {
    /// As it was written: lists need not begin at 1.
    pub number: u16,
    /// What stands behind the number.
    pub content: Vec<Inline>,
}

/// A stretch of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Inline {
    /// As it is.
    Text {
        /// The text.
        text: String,
    },
    /// Between asterisks.
    Bold {
        /// What is bold.
        content: Vec<Inline>,
    },
    /// Between underscores.
    Italic {
        /// What is italic.
        content: Vec<Inline>,
    },
    /// Between tildes.
    Strike {
        /// What is struck through.
        content: Vec<Inline>,
    },
    /// Between backticks.
    Code {
        /// The text.
        text: String,
    },
    /// Between three backticks, perhaps over several lines.
    Monospace {
        /// The text.
        text: String,
    },
}

/// Takes a text apart.
pub fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in Lines::of(text) {
        let (kind, marked) = kind_of(text, &line);
        let content = inline::parse(text, line.range.start + marked..line.range.end, &line.monospace);
        add(&mut blocks, kind, content);
    }
    blocks
}

/// A text in which no marks count, in the form of one that was taken apart.
pub fn plain(text: &str) -> Vec<Block> {
    if text.is_empty() { Vec::new() } else { vec![Block::Paragraph { content: vec![Inline::Text { text: text.to_owned() }] }] }
}

/// What a line is.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Quote,
    Bullet,
    Number(u16),
}

/// A line of the text; one that has monospace over several lines goes on behind it.
struct Line {
    range: Range<usize>,
    /// The monospace in it.
    monospace: Vec<Span>,
}

struct Lines<'a> {
    text: &'a str,
    monospace: Vec<Span>,
    /// The first monospace that was not passed yet.
    next: usize,
    /// Where the next line begins.
    at: Option<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        // A text that is empty has no line.
        Self { text, monospace: monospace(text), next: 0, at: (!text.is_empty()).then_some(0) }
    }

    fn line_break(&self, from: usize) -> Option<usize> {
        self.text[from..].find('\n').map(|at| from + at)
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let start = self.at?;
        let first = self.next;
        let mut end = self.line_break(start);
        while let Some(span) = self.monospace.get(self.next)
            && end.is_none_or(|end| span.outer.start < end)
        {
            if end.is_some_and(|end| end < span.outer.end) {
                end = self.line_break(span.outer.end);
            }
            self.next += 1;
        }
        self.at = end.map(|end| end + 1);
        Some(Line { range: start..end.unwrap_or(self.text.len()), monospace: self.monospace[first..self.next].to_vec() })
    }
}

/// Stretches between two runs of three or more backticks with something to read between them.
fn monospace(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut opening: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(found) = text[at..].find(FENCE) {
        let start = at + found;
        let run = text[start..].bytes().take_while(|byte| *byte == b'`').count();
        at = start + run;
        opening = match opening {
            Some(open) if !text[open.end..start].trim().is_empty() => {
                // Of longer runs the outer backticks are marks, those in front of the end are part of the text.
                let inner = open.start + FENCE.len()..at - FENCE.len();
                spans.push(Span { outer: open.start..at, inner });
                None
            }
            _ => Some(start..at),
        };
    }
    spans
}

/// What the line is, and how many bytes say so.
fn kind_of(text: &str, line: &Line) -> (Kind, usize) {
    // A mark of a line stands in front of any monospace.
    let end = line.monospace.first().map_or(line.range.end, |span| span.outer.start);
    let head = &text[line.range.start..end];
    let is_read = |marked: usize| !text[line.range.start + marked..line.range.end].trim().is_empty();
    let (kind, marked) = if head.starts_with("> ") {
        (Kind::Quote, 2)
    } else if head.starts_with("* ") || head.starts_with("- ") {
        (Kind::Bullet, 2)
    } else {
        let digits = head.bytes().take(NUMBER_DIGITS + 1).take_while(u8::is_ascii_digit).count();
        match head[..digits].parse() {
            Ok(number) if digits <= NUMBER_DIGITS && head[digits..].starts_with(". ") => (Kind::Number(number), digits + 2),
            _ => (Kind::Text, 0),
        }
    };
    if is_read(marked) { (kind, marked) } else { (Kind::Text, 0) }
}

/// Adds a line to the last block if that is of its kind, or begins one.
fn add(blocks: &mut Vec<Block>, kind: Kind, line: Vec<Inline>) {
    match (kind, blocks.last_mut()) {
        (Kind::Text, Some(Block::Paragraph { content })) | (Kind::Quote, Some(Block::Quote { content })) => {
            inline::push_text(content, "\n");
            for part in line {
                inline::push(content, part);
            }
        }
        (Kind::Bullet, Some(Block::BulletedList { items })) => items.push(Item { content: line }),
        (Kind::Number(number), Some(Block::NumberedList { items })) => items.push(NumberedItem { number, content: line }),
        (Kind::Text, _) => blocks.push(Block::Paragraph { content: line }),
        (Kind::Quote, _) => blocks.push(Block::Quote { content: line }),
        (Kind::Bullet, _) => blocks.push(Block::BulletedList { items: vec![Item { content: line }] }),
        (Kind::Number(number), _) => blocks.push(Block::NumberedList { items: vec![NumberedItem { number, content: line }] }),
    }
}

#[cfg(test)]
mod tests;
