//! Marks within a line.

use std::ops::Range;

use super::Inline;

/// A stretch between marks.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// With its marks.
    pub(super) outer: Range<usize>,
    /// Without them.
    pub(super) inner: Range<usize>,
}

/// Bold, italic, struck through: each may be open once, so that the tree is bounded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Bold,
    Italic,
    Strike,
}

impl Mark {
    const fn of(sign: char) -> Option<Self> {
        match sign {
            '*' => Some(Self::Bold),
            '_' => Some(Self::Italic),
            '~' => Some(Self::Strike),
            _ => None,
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Bold => "*",
            Self::Italic => "_",
            Self::Strike => "~",
        }
    }

    const fn around(self, content: Vec<Inline>) -> Inline {
        match self {
            Self::Bold => Inline::Bold { content },
            Self::Italic => Inline::Italic { content },
            Self::Strike => Inline::Strike { content },
        }
    }
}

/// A mark that was opened, and what stands behind it so far.
struct Open {
    mark: Mark,
    content: Vec<Inline>,
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    done: Vec<Inline>,
    open: Vec<Open>,
}

impl Reading {
    fn content(&mut self) -> &mut Vec<Inline> {
        self.open.last_mut().map_or(&mut self.done, |open| &mut open.content)
    }

    fn is_open(&self, mark: Mark) -> bool {
        self.open.iter().any(|open| open.mark == mark)
    }

    /// Closes the mark; what was opened within it and not closed is text.
    fn close(&mut self, mark: Mark) {
        while let Some(open) = self.open.pop() {
            if open.mark == mark {
                push(self.content(), mark.around(open.content));
                return;
            }
            self.give_up(open);
        }
    }

    /// Nothing that is open will be closed.
    fn give_up_all(&mut self) {
        while let Some(open) = self.open.pop() {
            self.give_up(open);
        }
    }

    fn give_up(&mut self, open: Open) {
        let content = self.content();
        push_text(content, open.mark.sign());
        for part in open.content {
            push(content, part);
        }
    }
}

/// Takes the line at `range` apart. `monospace` is what the line has of it, in order.
pub(super) fn parse(text: &str, range: Range<usize>, monospace: &[Span]) -> Vec<Inline> {
    let mut reading = Reading::default();
    let mut monospace = monospace.iter().peekable();
    let mut codes = Codes::default();
    // What was read and is text so far.
    let mut plain = range.start;
    let mut at = range.start;
    while at < range.end {
        if let Some(span) = monospace.next_if(|span| span.outer.start == at) {
            push_text(reading.content(), &text[plain..at]);
            let inner = &text[span.inner.clone()];
            if inner.contains('\n') {
                // Other marks do not reach over lines.
                reading.give_up_all();
            }
            reading.content().push(Inline::Monospace { text: inner.to_owned() });
            at = span.outer.end;
            plain = at;
            continue;
        }
        let Some(sign) = text[at..].chars().next() else { break };
        let behind = at + sign.len_utf8();
        if sign == '`' {
            let limit = monospace.peek().map_or(range.end, |span| span.outer.start);
            if let Some(end) = opens(text, &range, at, behind).then(|| codes.closing(text, &range, behind, limit)).flatten() {
                push_text(reading.content(), &text[plain..at]);
                reading.content().push(Inline::Code { text: text[behind..end].to_owned() });
                at = end + 1;
                plain = at;
                continue;
            }
        } else if let Some(mark) = Mark::of(sign) {
            let closes = reading.is_open(mark) && closes(text, &range, at, behind);
            if closes || (!reading.is_open(mark) && opens(text, &range, at, behind)) {
                push_text(reading.content(), &text[plain..at]);
                plain = behind;
                if closes {
                    reading.close(mark);
                } else {
                    reading.open.push(Open { mark, content: Vec::new() });
                }
            }
        }
        at = behind;
    }
    push_text(reading.content(), &text[plain..range.end]);
    reading.give_up_all();
    reading.done
}

/// Whether a mark at `at` may open: no letter or digit in front of it, and behind it something that is neither blank nor the mark again.
fn opens(text: &str, line: &Range<usize>, at: usize, behind: usize) -> bool {
    let before = text[line.start..at].chars().next_back();
    let after = text[behind..line.end].chars().next();
    !before.is_some_and(char::is_alphanumeric) && after.is_some_and(|after| !after.is_whitespace() && !text[at..].starts_with(after))
}

/// Whether a mark at `at` may close: the other way round.
fn closes(text: &str, line: &Range<usize>, at: usize, behind: usize) -> bool {
    let before = text[line.start..at].chars().next_back();
    let after = text[behind..line.end].chars().next();
    !after.is_some_and(char::is_alphanumeric) && before.is_some_and(|before| !before.is_whitespace() && !text[at..].starts_with(before))
}

/// Where code ends. Remembers how far was looked in vain, so that the line is not walked again for each backtick.
#[derive(Default)]
struct Codes {
    none_before: usize,
}

impl Codes {
    fn closing(&mut self, text: &str, line: &Range<usize>, from: usize, limit: usize) -> Option<usize> {
        if limit <= self.none_before {
            return None;
        }
        let mut at = from;
        while let Some(found) = text[at..limit].find('`').map(|found| at + found) {
            if found > from && closes(text, line, found, found + 1) {
                return Some(found);
            }
            at = found + 1;
        }
        self.none_before = limit;
        None
    }
}

/// Adds a part; texts that meet become one.
pub(super) fn push(content: &mut Vec<Inline>, part: Inline) {
    match part {
        Inline::Text { text } => push_text(content, &text),
        other => content.push(other),
    }
}

/// Adds text.
pub(super) fn push_text(content: &mut Vec<Inline>, text: &str) {
    if text.is_empty() {
        return;
    }
    match content.last_mut() {
        Some(Inline::Text { text: last }) => last.push_str(text),
        _ => content.push(Inline::Text { text: text.to_owned() }),
    }
}
