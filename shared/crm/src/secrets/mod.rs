//! Secrets of tenants at rest: tokens of providers are sealed before they reach a row.
//!
//! A sealed text is bound to its organization and purpose, so a row copied to another tenant, channel or column does not open.

#[cfg(test)]
mod tests;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use kernel::{ChannelId, OrganizationId};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// First byte of sealed bytes: the form described at [`Vault::seal`].
const FORM: u8 = 1;
const NONCE_LENGTH: usize = 24;
const KEY_LENGTH: usize = 32;

/// What a secret is for. Part of what is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The access token of a channel.
    ChannelToken(ChannelId),
}

impl Purpose {
    fn associated_data(self, organization: OrganizationId) -> Vec<u8> {
        let (name, id) = match self {
            Self::ChannelToken(id) => ("channels.access_token", id.uuid()),
        };
        [organization.uuid().as_bytes().as_slice(), name.as_bytes(), id.as_bytes()].concat()
    }
}

/// Why a secret could not be sealed or opened, or a vault not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The setting does not hold 32 bytes in base64.
    #[error("the master key is not 32 bytes in base64")]
    BadMasterKey,
    /// The id of the key is empty or too long.
    #[error("the id of the master key has 1 to 32 characters")]
    BadKeyId,
    /// The bytes have no form that this build knows.
    #[error("the sealed bytes have an unknown form")]
    Malformed,
    /// The bytes were sealed with a key that this vault does not hold.
    #[error("the secret was sealed with key `{0}`, which is not configured")]
    UnknownKey(String),
    /// The key does not open the bytes: changed bytes, another organization or purpose, or another key under the same id.
    #[error("the sealed secret does not open: wrong key, other owner, or changed bytes")]
    Refused,
    /// The random generator of the machine or the cipher failed.
    #[error("cannot seal the secret")]
    Unavailable,
}

#[derive(Clone)]
struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// Seals and opens secrets of tenants with the master key (XChaCha20-Poly1305).
#[derive(Clone)]
pub struct Vault {
    /// The first key seals, all of them open.
    keys: Vec<Key>,
}

impl Vault {
    /// A vault that seals with `master_key` (base64 of 32 bytes), known as `key_id` of at most 32 bytes.
    pub fn new(key_id: &str, master_key: &SecretString) -> Result<Self, SecretError> {
        Ok(Self { keys: vec![Key::new(key_id, master_key)?] })
    }

    /// The same vault, able to open what was sealed with an earlier key too.
    pub fn with_earlier_key(mut self, key_id: &str, master_key: &SecretString) -> Result<Self, SecretError> {
        self.keys.push(Key::new(key_id, master_key)?);
        Ok(self)
    }

    /// Seals `secret`: form, length of the key id, key id, 24 random bytes of nonce, ciphertext and tag.
    pub fn seal(&self, organization: OrganizationId, purpose: Purpose, secret: &SecretString) -> Result<Vec<u8>, SecretError> {
        let key = self.keys.first().ok_or(SecretError::BadKeyId)?;
        let nonce: [u8; NONCE_LENGTH] = rand::random();
        let associated_data = purpose.associated_data(organization);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &associated_data };
        let ciphertext = key.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SecretError::Unavailable)?;
        let key_length = u8::try_from(key.id.len()).map_err(|_| SecretError::BadKeyId)?;
        Ok([&[FORM, key_length], key.id.as_bytes(), &nonce, &ciphertext].concat())
    }

    /// Opens what [`Vault::seal`] made for the same organization and purpose.
    pub fn open(&self, organization: OrganizationId, purpose: Purpose, sealed: &[u8]) -> Result<SecretString, SecretError> {
        let (&[form, key_length], rest) = sealed.split_first_chunk().ok_or(SecretError::Malformed)?;
        if form != FORM {
            return Err(SecretError::Malformed);
        }
        let (key_id, rest) = rest.split_at_checked(usize::from(key_length)).ok_or(SecretError::Malformed)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(SecretError::Malformed)?;
        let key_id = str::from_utf8(key_id).map_err(|_| SecretError::Malformed)?;
        let key = self.keys.iter().find(|key| key.id == key_id).ok_or_else(|| SecretError::UnknownKey(key_id.to_owned()))?;
        let associated_data = purpose.associated_data(organization);
        let payload = Payload { msg: ciphertext, aad: &associated_data };
        let opened = key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SecretError::Refused)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| SecretError::Refused)
    }
}

impl Key {
    fn new(id: &str, master_key: &SecretString) -> Result<Self, SecretError> {
        if id.is_empty() || id.len() > 32 {
            return Err(SecretError::BadKeyId);
        }
        let bytes = STANDARD.decode(master_key.expose_secret().trim()).map_err(|_| SecretError::BadMasterKey)?;
        let bytes = SecretSlice::from(bytes);
        let key: [u8; KEY_LENGTH] = bytes.expose_secret().try_into().map_err(|_| SecretError::BadMasterKey)?;
        Ok(Self { id: id.to_owned(), cipher: XChaCha20Poly1305::new(&key.into()) })
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}
