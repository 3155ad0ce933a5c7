//! One message: pieces and values, one after the other.

use std::fmt::Write;

use super::{CompiledTemplate, Form, Piece, RenderError, Variables, values::products};
use crate::whatsapp::json::{push_escaped, push_opaque, push_recipient};

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
                    push_value(out, variable.form, variable.checked(variables)?);
                }
                Piece::ValueOr { variable, otherwise } => {
                    let variable = &self.variables[*variable];
                    push_value(out, variable.form, variable.given(variables)?.unwrap_or(otherwise));
                }
                Piece::IfGiven { variable, before, after } => {
                    let variable = &self.variables[*variable];
                    if let Some(value) = variable.given(variables)? {
                        out.extend_from_slice(before);
                        push_value(out, variable.form, value);
                        out.extend_from_slice(after);
                    }
                }
            }
        }
        push_opaque(out, opaque);
        Ok(())
    }
}

/// Writes a checked value in its place.
fn push_value(out: &mut Vec<u8>, form: Form, value: &str) {
    match form {
        Form::Text | Form::Code | Form::Token | Form::SectionTitle => push_escaped(out, value),
        Form::UrlSuffix => push_url(out, value),
        Form::Media => {
            let key: &[u8] = if is_link(value) { br#""link":""# } else { br#""id":""# };
            out.extend_from_slice(key);
            push_escaped(out, value);
            out.push(b'"');
        }
        Form::Latitude | Form::Longitude | Form::Milliseconds | Form::Catalog => out.extend_from_slice(value.as_bytes()),
        Form::Product => push_escaped(out, value.trim()),
        Form::Products => {
            for (at, product) in products(value).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(br#"{"product_retailer_id":""#);
                push_escaped(out, product);
                out.extend_from_slice(br#""}"#);
            }
        }
    }
}

fn is_link(value: &str) -> bool {
    value.starts_with("https://") || value.starts_with("http://")
}

/// Writes the end of a link: what a URL cannot hold is percent-encoded, what it can (`%` too) stays, so that encoded values pass.
fn push_url(out: &mut Vec<u8>, value: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if is_url_byte(byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
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
