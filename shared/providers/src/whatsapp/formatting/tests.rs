use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn tree(text: &str) -> Value {
    serde_json::to_value(parse(text)).unwrap()
}

/// What a single paragraph holds, written short: texts as they are, the rest as `bold(…)`.
fn line(text: &str) -> String {
    match parse(text).as_slice() {
        [Block::Paragraph { content }] => short(content),
        other => panic!("one paragraph, not {other:?}"),
    }
}

fn short(content: &[Inline]) -> String {
    content
        .iter()
        .map(|part| match part {
            Inline::Text { text } => text.clone(),
            Inline::Bold { content } => format!("bold({})", short(content)),
            Inline::Italic { content } => format!("italic({})", short(content)),
            Inline::Strike { content } => format!("strike({})", short(content)),
            Inline::Code { text } => format!("code({text})"),
            Inline::Monospace { text } => format!("mono({text})"),
        })
        .collect()
}

#[test]
fn marks_around_words_count() {
    for (text, expected) in [
        ("a *bold* word", "a bold(bold) word"),
        ("_italic_", "italic(italic)"),
        ("~gone~, really", "strike(gone), really"),
        ("run `ls -l` now", "run code(ls -l) now"),
        ("```ls\n-l```", "mono(ls\n-l)"),
        ("*two words*", "bold(two words)"),
        ("(*a*)", "(bold(a))"),
        ("*_both_*", "bold(italic(both))"),
        ("_*~all~*_!", "italic(bold(strike(all)))!"),
        ("*a _b_ c*", "bold(a italic(b) c)"),
        ("*grün*", "bold(grün)"),
        ("*a* *b*", "bold(a) bold(b)"),
        ("*a*b*", "bold(a*b)"),
        ("*a ```b``` c*", "bold(a mono(b) c)"),
        ("*123456* is your verification code.", "bold(123456) is your verification code."),
    ] {
        assert_eq!(line(text), expected, "{text}");
    }
}

#[test]
fn marks_inside_of_words_next_to_blanks_and_without_an_end_are_text() {
    for text in [
        "5*3*2",
        "snake_case_name",
        "https://example.com/a_b_c~d~e",
        "a * bold *x",
        "a* b*",
        "*open",
        "open*",
        "*a\nb*",
        "**",
        "a * *",
        "__",
        "```",
        "``````",
        "``` ```",
        "``",
        "` `",
        "a`b`",
        "é*x*é",
    ] {
        assert_eq!(line(text), text);
    }
}

#[test]
fn what_overlaps_is_closed_by_the_outer_mark() {
    assert_eq!(line("*a _b* c_"), "bold(a _b) c_");
    assert_eq!(line("_a *b_ c*"), "italic(a *b) c*");
    assert_eq!(line("*a _b_ c"), "*a italic(b) c");
    assert_eq!(line("**bold**"), "*bold(bold)*");
}

#[test]
fn nothing_counts_inside_of_code() {
    assert_eq!(line("`*a*` *b*"), "code(*a*) bold(b)");
    assert_eq!(line("```*a* `b` _c_```"), "mono(*a* `b` _c_)");
    assert_eq!(line("*a `b* c`"), "*a code(b* c)");
    assert_eq!(line("``` ```x```"), "``` mono(x)");
    assert_eq!(line("```a``` ```b"), "mono(a) ```b");
    assert_eq!(line("*a ```b\nc``` d*"), "*a mono(b\nc) d*");
}

#[test]
fn lines_become_blocks() {
    assert_eq!(
        tree("Hello *Ada*,\nsee:\n* one\n- _two_\n\n1. first\n2. second\n> as she said\n> ~today~\nBye"),
        json!([
            { "type": "paragraph", "content": [
                { "type": "text", "text": "Hello " },
                { "type": "bold", "content": [{ "type": "text", "text": "Ada" }] },
                { "type": "text", "text": ",\nsee:" },
            ] },
            { "type": "bulletedList", "items": [
                { "content": [{ "type": "text", "text": "one" }] },
                { "content": [{ "type": "italic", "content": [{ "type": "text", "text": "two" }] }] },
            ] },
            { "type": "paragraph", "content": [] },
            { "type": "numberedList", "items": [
                { "number": 1, "content": [{ "type": "text", "text": "first" }] },
                { "number": 2, "content": [{ "type": "text", "text": "second" }] },
            ] },
            { "type": "quote", "content": [
                { "type": "text", "text": "as she said\n" },
                { "type": "strike", "content": [{ "type": "text", "text": "today" }] },
            ] },
            { "type": "paragraph", "content": [{ "type": "text", "text": "Bye" }] },
        ])
    );
    assert_eq!(tree(""), json!([]));
}

#[test]
fn a_line_that_only_looks_like_an_item_is_text() {
    for text in [">no", "*no", "-no", "1.no", "1 . no", "2024. was a year", "1) no", " - no", "> ", "-  ", "1. "] {
        assert_eq!(line(text), text);
    }
}

#[test]
fn code_over_lines_is_part_of_its_line() {
    let content = |text: &str| vec![Inline::Monospace { text: text.to_owned() }];
    assert_eq!(
        parse("> ```a\n> b```\n- ```c\n- d```"),
        [Block::Quote { content: content("a\n> b") }, Block::BulletedList { items: vec![Item { content: content("c\n- d") }] }]
    );
}

#[test]
fn a_plain_text_has_no_marks() {
    assert_eq!(plain("*a*"), [Block::Paragraph { content: vec![Inline::Text { text: "*a*".to_owned() }] }]);
    assert_eq!(plain(""), []);
}

/// Follows the tree along the text that it was made from: every mark that took effect and every letter stands where the tree says.
struct Walk<'a> {
    rest: &'a str,
    depth: usize,
}

impl Walk<'_> {
    fn take(&mut self, expected: &str) {
        self.rest = self.rest.strip_prefix(expected).unwrap_or_else(|| panic!("{expected:?} stands at {:?}", self.rest));
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for (at, block) in blocks.iter().enumerate() {
            self.line_break(at);
            match block {
                Block::Paragraph { content } => self.content(content, ""),
                Block::Quote { content } => {
                    self.take("> ");
                    self.content(content, "> ");
                }
                Block::BulletedList { items } => {
                    for (at, item) in items.iter().enumerate() {
                        self.line_break(at);
                        let bullet = if self.rest.starts_with('*') { "* " } else { "- " };
                        self.take(bullet);
                        self.content(&item.content, "");
                    }
                }
                Block::NumberedList { items } => {
                    for (at, item) in items.iter().enumerate() {
                        self.line_break(at);
                        let zeros = self.rest.len() - self.rest.trim_start_matches('0').len();
                        if item.number > 0 {
                            self.rest = &self.rest[zeros..];
                            self.take(&item.number.to_string());
                        } else {
                            self.rest = &self.rest[zeros..];
                        }
                        self.take(". ");
                        self.content(&item.content, "");
                    }
                }
            }
        }
    }

    fn line_break(&mut self, at: usize) {
        if at > 0 {
            self.take("\n");
        }
    }

    /// `lead` stands in front of each further line.
    fn content(&mut self, content: &[Inline], lead: &str) {
        self.depth += 1;
        assert!(self.depth <= 4, "the tree is bounded");
        for part in content {
            match part {
                Inline::Text { text } => {
                    assert!(!text.is_empty(), "no text is empty");
                    for (at, line) in text.split('\n').enumerate() {
                        if at > 0 {
                            self.take("\n");
                            self.take(lead);
                        }
                        self.take(line);
                    }
                }
                Inline::Bold { content } => self.around("*", content, lead),
                Inline::Italic { content } => self.around("_", content, lead),
                Inline::Strike { content } => self.around("~", content, lead),
                Inline::Code { text } => self.verbatim("`", text),
                Inline::Monospace { text } => self.verbatim(FENCE, text),
            }
        }
        self.depth -= 1;
    }

    fn around(&mut self, mark: &str, content: &[Inline], lead: &str) {
        assert!(!content.is_empty(), "marks have something between them");
        self.take(mark);
        self.content(content, lead);
        self.take(mark);
    }

    fn verbatim(&mut self, mark: &str, text: &str) {
        assert!(!text.is_empty(), "marks have something between them");
        self.take(mark);
        self.take(text);
        self.take(mark);
    }
}

fn follow(text: &str) {
    let blocks = parse(text);
    let mut walk = Walk { rest: text, depth: 0 };
    walk.blocks(&blocks);
    assert_eq!(walk.rest, "", "the tree ends where {text:?} ends");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_tree_of_marks_and_letters_is_the_text_without_the_marks_that_count(text in "[*_~` >\\-a01.\n]{0,40}") {
        follow(&text);
    }

    #[test]
    fn the_tree_of_any_text_is_the_text_without_the_marks_that_count(text in any::<String>()) {
        follow(&text);
    }

    #[test]
    fn a_text_without_marks_is_one_text(text in "[a-zäß,.!?]{1,40}") {
        prop_assert_eq!(parse(&text), plain(&text));
    }

    #[test]
    fn words_between_marks_are_formatted(word in "[a-z]{1,8}( [a-z]{1,8}){0,3}") {
        prop_assert_eq!(line(&format!("so *{word}* it _{word}_ is ~{word}~ and `{word}`")),
            format!("so bold({word}) it italic({word}) is strike({word}) and code({word})"));
    }
}

#[test]
fn long_texts_that_promise_much_take_no_longer() {
    let begun = Instant::now();
    for pattern in
        ["*", "*a ", "*a _b ~c ", "`a ", "`", "``` ", "```a``` ", "```a", "*a `b _c\n", "*_~", "*a* ", "_*a ", "> *a\n", "1. `a\n", "(*"]
    {
        let text = pattern.repeat(100_000 / pattern.len());
        follow(&text);
        let mut closed = text.clone();
        closed.push_str("x`~_*");
        follow(&closed);
    }
    // A text of this length that is walked again for each of its marks takes minutes.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
