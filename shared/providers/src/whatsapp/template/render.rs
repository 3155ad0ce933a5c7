//! One message: pieces and values, one after the other.

use std::fmt::Write;

use super::{CompiledTemplate, Form, Piece, Variable, Variables};
use crate::whatsapp::json::{push_escaped, push_opaque, push_recipient};

/// Why one message cannot be rendered. Names the variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Nobody gave the variable a value.
    #[error("variable `{0}` has no value")]
    Missing(String),
    /// The value is empty or blank: Meta refuses it.
    #[error("the value of variable `{0}` is empty")]
    Empty(String),
    /// The value has a line break or a tab: Meta refuses it.
    #[error("the value of variable `{0}` has a line break or a tab")]
    LineBreakOrTab(String),
    /// The value has more than four blanks in a row: Meta refuses it.
    #[error("the value of variable `{0}` has more than four blanks in a row")]
    TooManySpaces(String),
    /// A code has more than 15 characters.
    #[error("the value of variable `{0}` is longer than 15 characters")]
    CodeTooLong(String),
}

/// Longest coupon or one-time code.
const CODE_LIMIT: usize = 15;
/// Most blanks in a row.
const SPACES_LIMIT: usize = 4;

impl RenderError {
    /// The variable at fault.
    pub fn variable(&self) -> &str {
        match self {
            Self::Missing(name) | Self::Empty(name) | Self::LineBreakOrTab(name) | Self::TooManySpaces(name) | Self::CodeTooLong(name) => {
                name
            }
        }
    }

    /// Stable code of the rule, for records and problem documents.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "variable-missing",
            Self::Empty(_) => "variable-empty",
            Self::LineBreakOrTab(_) => "variable-line-break",
            Self::TooManySpaces(_) => "variable-spaces",
            Self::CodeTooLong(_) => "variable-too-long",
        }
    }
}

impl CompiledTemplate {
    /// Writes the request body for one recipient into `out`, replacing what was there. After an error `out` is of no use.
    ///
    /// `to` is an E.164 number with `+`, or a business-scoped user id. `opaque` comes back in every status. Values nobody asks for are ignored.
    pub fn render<V: Variables + ?Sized>(&self, to: &str, variables: &V, opaque: &str, out: &mut Vec<u8>) -> Result<(), RenderError> {
        out.clear();
        push_recipient(out, to);
        for piece in &self.pieces {
            match piece {
                Piece::Literal(json) => out.extend_from_slice(json),
                Piece::Value(index) => {
                    let variable = &self.variables[*index];
                    let value = variable.checked(variables)?;
                    match variable.form {
                        Form::Text | Form::Code => push_escaped(out, value),
                        Form::UrlSuffix => push_url(out, value),
                        Form::Media => {
                            let key: &[u8] = if is_link(value) { br#""link":""# } else { br#""id":""# };
                            out.extend_from_slice(key);
                            push_escaped(out, value);
                            out.push(b'"');
                        }
                    }
                }
            }
        }
        push_opaque(out, opaque);
        Ok(())
    }

    /// Checks the values without rendering.
    pub fn check<V: Variables + ?Sized>(&self, variables: &V) -> Result<(), RenderError> {
        self.variables.iter().try_for_each(|variable| variable.checked(variables).map(drop))
    }
}

impl Variable {
    /// The value, when it keeps Meta's rules.
    ///
    /// # Source
    ///
    /// Refusals 132012 and 131008 of the Cloud API: no line break, no tab, no more than four blanks in a row, not empty.
    pub(super) fn checked<'v, V: Variables + ?Sized>(&self, variables: &'v V) -> Result<&'v str, RenderError> {
        let value = variables.value(&self.name).ok_or_else(|| RenderError::Missing(self.name.clone()))?;
        let mut spaces = 0;
        let mut blank = true;
        for byte in value.bytes() {
            match byte {
                b'\n' | b'\r' | b'\t' => return Err(RenderError::LineBreakOrTab(self.name.clone())),
                b' ' => {
                    spaces += 1;
                    if spaces > SPACES_LIMIT {
                        return Err(RenderError::TooManySpaces(self.name.clone()));
                    }
                }
                _ => {
                    spaces = 0;
                    blank = false;
                }
            }
        }
        if blank {
            return Err(RenderError::Empty(self.name.clone()));
        }
        if self.form == Form::Code && value.chars().count() > CODE_LIMIT {
            return Err(RenderError::CodeTooLong(self.name.clone()));
        }
        Ok(value)
    }
}

fn is_link(value: &str) -> bool {
    value.starts_with("https://") || value.starts_with("http://")
}

/// Writes the end of a link: what a URL cannot hold is percent-encoded, what it can (`%` too) stays, so that encoded values pass.
fn push_url(out: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        if is_url_byte(byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}

/// The same for people to see.
pub(super) fn url_text(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut url, byte| {
        if is_url_byte(byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("writing to a string cannot fail");
        }
        url
    })
}

/// RFC 3986: unreserved, reserved, and `%`. None of them needs escaping in JSON.
const fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'#' | b'[' | b']' | b'@')
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b'%')
}
