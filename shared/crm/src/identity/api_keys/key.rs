//! The text of a key: what a program presents, and what is kept of it.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What every key begins with, so that a key that leaked is recognised as one.
const MARK: &str = "hg";
/// Letters and digits that tell keys apart in lists.
const PREFIX_LENGTH: usize = 8;
const PREFIX_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 256 bits in base64url.
const SECRET_LENGTH: usize = 43;

/// A key that was just made: the only time at which it is known.
#[derive(Debug)]
pub struct NewKey {
    /// The whole key.
    pub secret: SecretString,
    /// What it begins with, to be recognised by.
    pub prefix: String,
}

impl NewKey {
    /// A key that nobody can guess.
    pub(super) fn random() -> Self {
        let prefix: String = rand::random::<[u8; PREFIX_LENGTH]>()
            .into_iter()
            .map(|byte| char::from(PREFIX_ALPHABET[usize::from(byte) % PREFIX_ALPHABET.len()]))
            .collect();
        let prefix = format!("{MARK}_{prefix}");
        let secret = format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
        Self { secret: secret.into(), prefix }
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        hash(self.secret.expose_secret())
    }
}

/// A key that somebody presents: of the right form, nothing more is known.
#[derive(Clone, Copy)]
pub struct PresentedKey([u8; 32]);

impl PresentedKey {
    /// Reads the value of a header; `None` when it cannot be a key of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, secret) = text.strip_prefix(MARK)?.strip_prefix('_')?.split_once('_')?;
        let formed = prefix.len() == PREFIX_LENGTH
            && prefix.bytes().all(|byte| PREFIX_ALPHABET.contains(&byte))
            && secret.len() == SECRET_LENGTH
            && URL_SAFE_NO_PAD.decode(secret).is_ok();
        formed.then(|| Self(hash(text)))
    }

    /// What the database knows of it. A key has 256 random bits, so that a plain hash hides it.
    pub(in crate::identity) fn hash(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(…)")
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_read_back() {
        let key = NewKey::random();
        let text = key.secret.expose_secret();
        assert!(text.starts_with(&format!("{}_", key.prefix)), "{}", key.prefix);
        assert_eq!(PresentedKey::parse(text).unwrap().hash(), key.hash());
        assert_ne!(NewKey::random().hash(), key.hash());
        assert!(!format!("{key:?}").contains(text));
    }

    #[test]
    fn what_cannot_be_a_key_is_none() {
        let key = NewKey::random();
        let text = key.secret.expose_secret();
        for text in ["", "hg", "hg_", "hg_abc_def", &text[1..], &text[..text.len() - 1], &format!("{text}A"), &text.replace("hg_", "HG_")] {
            assert!(PresentedKey::parse(text).is_none(), "{text}");
        }
    }
}
