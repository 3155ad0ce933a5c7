//! Keys, turns and answers.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use kernel::OrganizationId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::error::IdempotencyError;
use crate::secrets::Purpose;

/// How long a key is remembered.
pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// How long a request may run before a repetition takes its turn.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);

/// What a sender calls one request: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the value of a header.
    pub fn parse(text: &str) -> Result<Self, IdempotencyError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=255).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(IdempotencyError::Malformed) }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The organization that the request is for.
    pub organization: OrganizationId,
    /// The user or API key, such as `user:…`: two of them never share a key.
    pub actor: String,
}

/// The right to answer a request: nobody else answers it while the attempt is current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub(super) sender: Sender,
    pub(super) key: IdempotencyKey,
    pub(super) attempt: i32,
}

impl Turn {
    /// What the kept answer is sealed for.
    pub(super) fn purpose(&self) -> Purpose {
        Purpose::idempotency_answer(&self.sender.actor, self.key.as_str())
    }
}

/// What a request with a key begins with.
#[derive(Debug)]
pub enum Beginning {
    /// It is to be answered now.
    Turn(Turn),
    /// It was answered before.
    Answered(Answer),
}

/// An answer that is given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers that belong to the answer, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(with = "as_base64")]
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) fn to_text(&self) -> SecretString {
        serde_json::to_string(self).expect("texts and numbers are JSON").into()
    }

    pub(super) fn from_text(text: &SecretString) -> Option<Self> {
        serde_json::from_str(text.expose_secret()).ok()
    }
}

mod as_base64 {
    use serde::{Deserializer, Serializer, de};

    use super::{Deserialize, Engine, STANDARD};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
