//! The part of the template language that texts of mails may use: variables, `default`, and `if`.
//!
//! There is no way to repeat, to join or to change a text, so that what a text computes is bounded by its length, and a link can only be
//! shown as it is.

/// What is wrong, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn at(source: &str, offset: usize, reason: impl Into<String>) -> Self {
        let line = source.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
        Self { line, reason: reason.into() }
    }
}

const STATEMENTS: [&str; 4] = ["if", "elif", "else", "endif"];

/// Refuses whatever is not in the language.
pub(super) fn check(source: &str) -> Result<(), Fault> {
    let mut position = 0;
    while let Some(found) = source[position..].find(['{']) {
        let open = position + found;
        let rest = &source[open..];
        if let Some(comment) = rest.strip_prefix("{#") {
            let length = comment.find("#}").ok_or_else(|| Fault::at(source, open, "a comment is not closed by #}"))?;
            position = open + length + 4;
        } else if let Some(inner) = rest.strip_prefix("{{") {
            position = open + 2 + block(source, open, inner, "}}")?;
        } else if let Some(inner) = rest.strip_prefix("{%") {
            let statement = inner.trim_start_matches(['-', '+']).split_whitespace().next().unwrap_or_default();
            let word: String = statement.chars().take_while(char::is_ascii_alphanumeric).collect();
            if !STATEMENTS.contains(&word.as_str()) {
                return Err(Fault::at(source, open, format!("`{word}` cannot be used; there are if, elif, else and endif")));
            }
            position = open + 2 + block(source, open, inner, "%}")?;
        } else {
            position = open + 1;
        }
    }
    Ok(())
}

/// Length of a block up to and with its closing marks.
fn block(source: &str, open: usize, inner: &str, close: &str) -> Result<usize, Fault> {
    let mut quote = None;
    let mut escaped = false;
    for (offset, character) in inner.char_indices() {
        if let Some(mark) = quote {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if character == mark => quote = None,
                _ => {}
            }
            continue;
        }
        let rest = &inner[offset..];
        if rest.starts_with(close) {
            return Ok(offset + close.len());
        }
        let control = offset == 0 || rest[character.len_utf8()..].starts_with(close);
        match character {
            '"' | '\'' => quote = Some(character),
            '-' | '+' if control => {}
            _ if character.is_ascii_alphanumeric() || character.is_ascii_whitespace() || "_()=!|,".contains(character) => {}
            _ => return Err(Fault::at(source, open, format!("`{character}` cannot be used between {{{{ and }}}} or {{% and %}}"))),
        }
    }
    Err(Fault::at(source, open, format!("a block is not closed by {close}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_defaults_and_conditions_can_be_used() {
        let source = "{# who #}{%- if recipient -%}Hello {{ recipient }}{% elif not (a == \"}}\") %}{{ b|default('x\\'}}') }}{% else %}{}{ x {% endif %}";
        assert_eq!(check(source), Ok(()));
    }

    #[test]
    fn what_repeats_joins_or_changes_texts_is_refused_with_its_line() {
        for broken in [
            "{% for x in range(9) %}{% endfor %}",
            "{% set a = b %}",
            "{{ a ~ a }}",
            "{{ a * 9 }}",
            "{{ a[1:] }}",
            "{{ a.b }}",
            "{% raw %}",
            "{% include 'x' %}",
            "{% autoescape false %}",
            "{{ a - b }}",
            "{{ a",
            "{# a",
            "{{ 'a }}",
            "{%%}",
        ] {
            let fault = check(&format!("one\ntwo {broken}")).expect_err(broken);
            assert_eq!(fault.line, 2, "{broken}");
        }
    }
}
