//! Attempt ids: what names one request to the provider, and comes back in its status webhooks.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// What a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptKind {
    /// A row of a campaign's ledger.
    Campaign,
    /// A single message of a conversation.
    Message,
}

/// Names one attempt to send one message. Travels as `biz_opaque_callback_data` and comes back with every status.
///
/// The nonce makes it impossible to guess, so a forged status changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId {
    /// What `id` names.
    pub kind: AttemptKind,
    /// The campaign or the message.
    pub id: Uuid,
    /// Place of the recipient in the campaign; 0 for a single message.
    pub seq: i32,
    /// Number of the attempt, from 1.
    pub attempt_no: i16,
    /// Random value of the micro-batch that wrote the intent.
    pub nonce: i64,
}

const LENGTH: usize = 1 + 16 + 4 + 2 + 8;

impl AttemptId {
    /// The text sent to the provider: 42 characters of base64url (the field takes 512).
    pub fn encode(&self) -> String {
        let mut bytes = [0; LENGTH];
        bytes[0] = match self.kind {
            AttemptKind::Campaign => 1,
            AttemptKind::Message => 2,
        };
        bytes[1..17].copy_from_slice(self.id.as_bytes());
        bytes[17..21].copy_from_slice(&self.seq.to_be_bytes());
        bytes[21..23].copy_from_slice(&self.attempt_no.to_be_bytes());
        bytes[23..].copy_from_slice(&self.nonce.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a text back; `None` when it is not one of ours.
    pub fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        if written != LENGTH {
            return None;
        }
        let kind = match bytes[0] {
            1 => AttemptKind::Campaign,
            2 => AttemptKind::Message,
            _ => return None,
        };
        Some(Self {
            kind,
            id: Uuid::from_slice(&bytes[1..17]).ok()?,
            seq: i32::from_be_bytes(bytes[17..21].try_into().ok()?),
            attempt_no: i16::from_be_bytes(bytes[21..23].try_into().ok()?),
            nonce: i64::from_be_bytes(bytes[23..].try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_id_survives_the_round_trip() {
        let id = AttemptId { kind: AttemptKind::Campaign, id: Uuid::from_u128(7), seq: 1_000_000, attempt_no: 3, nonce: i64::MIN };
        assert_eq!(id.encode().len(), 42);
        assert_eq!(AttemptId::decode(&id.encode()), Some(id));
    }

    #[test]
    fn foreign_texts_are_not_read() {
        for text in ["", "c1:5", "AAAA", &"A".repeat(42), &"A".repeat(5_000), "💥"] {
            assert_eq!(AttemptId::decode(text), None, "{text}");
        }
    }
}
