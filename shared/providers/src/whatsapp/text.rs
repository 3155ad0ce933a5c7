//! Free text messages, inside the service window.

use super::json::{push_escaped, push_opaque, push_recipient};

/// Longest text, in characters.
///
/// # Source
///
/// pywa, `types/message`: body of a text message ≤ 4096 characters.
const BODY_LIMIT: usize = 4096;

/// A free text message to one person.
#[derive(Clone, Copy, Debug)]
pub struct TextMessage<'a> {
    /// E.164 with `+`, or a business-scoped user id.
    pub to: &'a str,
    /// 1 to 4096 characters.
    pub body: &'a str,
    /// Show a preview of the first link.
    pub preview_url: bool,
    /// Provider id of the message quoted.
    pub quotes: Option<&'a str>,
    /// Comes back in every status.
    pub opaque: &'a str,
}

/// Why a text cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but blanks.
    #[error("the message has no text")]
    Empty,
    /// More than 4096 characters.
    #[error("the message is longer than {BODY_LIMIT} characters")]
    TooLong,
}

impl TextMessage<'_> {
    /// Writes the request body into `out`, replacing what was there.
    pub fn render(&self, out: &mut Vec<u8>) -> Result<(), TextError> {
        out.clear();
        if self.body.trim().is_empty() {
            return Err(TextError::Empty);
        }
        if self.body.len() > BODY_LIMIT && self.body.chars().count() > BODY_LIMIT {
            return Err(TextError::TooLong);
        }
        push_recipient(out, self.to);
        if let Some(quoted) = self.quotes {
            out.extend_from_slice(br#","context":{"message_id":""#);
            push_escaped(out, quoted);
            out.extend_from_slice(br#""}"#);
        }
        out.extend_from_slice(br#","type":"text","text":{"preview_url":"#);
        out.extend_from_slice(if self.preview_url { b"true" } else { b"false" });
        out.extend_from_slice(br#","body":""#);
        push_escaped(out, self.body);
        out.extend_from_slice(br#""}"#);
        push_opaque(out, self.opaque);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_text_message_has_the_documented_form() {
        let mut out = b"left over".to_vec();
        let message =
            TextMessage { to: "+4915123456789", body: "Hi \"you\"\nbye", preview_url: true, quotes: Some("wamid.Q"), opaque: "o1" };
        message.render(&mut out).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&out).unwrap(),
            json!({
                "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+4915123456789", "type": "text",
                "context": {"message_id": "wamid.Q"},
                "text": {"preview_url": true, "body": "Hi \"you\"\nbye"}, "biz_opaque_callback_data": "o1",
            })
        );
    }

    #[test]
    fn a_user_id_is_no_telephone_number() {
        let mut out = Vec::new();
        TextMessage { to: "US.1349", body: "Hi", preview_url: false, quotes: None, opaque: "o1" }.render(&mut out).unwrap();
        let sent: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((sent.get("to"), &sent["recipient"]), (None, &json!("US.1349")));
    }

    #[test]
    fn the_length_is_counted_in_characters() {
        let render = |body: &str| TextMessage { to: "+1", body, preview_url: false, quotes: None, opaque: "" }.render(&mut Vec::new());
        assert_eq!(render(&"ü".repeat(4096)), Ok(()));
        assert_eq!(render(&"ü".repeat(4097)), Err(TextError::TooLong));
        assert_eq!(render(" \n"), Err(TextError::Empty));
    }
}
