//! Writing JSON by hand, where a message is put together from pieces.

/// Appends `text` as the inside of a JSON string, without the quotes.
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(br"\u00");
                out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
            }
        }
    }
    out.extend_from_slice(&bytes[done..]);
}

/// Opens the envelope of a message up to its type: product, recipient type, recipient.
///
/// `to` is a telephone number, or a business-scoped user id (`US.1349…`), which travels in a field of its own. Only ids begin with a letter.
pub(super) fn push_recipient(out: &mut Vec<u8>, to: &str) {
    let field: &[u8] = if to.starts_with(|first: char| first.is_ascii_alphabetic()) { b"recipient" } else { b"to" };
    out.extend_from_slice(br#"{"messaging_product":"whatsapp","recipient_type":"individual",""#);
    out.extend_from_slice(field);
    out.extend_from_slice(br#"":""#);
    push_escaped(out, to);
    out.push(b'"');
}

/// Closes the envelope with our own data, which comes back in every status.
pub(super) fn push_opaque(out: &mut Vec<u8>, opaque: &str) {
    out.extend_from_slice(br#","biz_opaque_callback_data":""#);
    push_escaped(out, opaque);
    out.extend_from_slice(br#""}"#);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn escaped_text_reads_back(text in any::<String>()) {
            let mut out = vec![b'"'];
            push_escaped(&mut out, &text);
            out.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
