//! Seals and opens.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::AeadInOut};
use secrecy::{
    ExposeSecret, SecretSlice, SecretString,
    zeroize::{Zeroize, Zeroizing},
};

use super::purpose::{Layer, Owner, Purpose, binding, first_binding};

/// First byte of sealed bytes of the form described at [`Vault::seal`].
const FORM: u8 = 2;
/// First byte of sealed bytes without a data key: nonce and ciphertext under the master key itself. Still opens.
const FIRST_FORM: u8 = 1;
const NONCE_LENGTH: usize = 24;
const KEY_LENGTH: usize = 32;
const TAG_LENGTH: usize = 16;
const WRAPPED_LENGTH: usize = NONCE_LENGTH + KEY_LENGTH + TAG_LENGTH;

/// Why a secret could not be sealed or opened, or a vault not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The setting does not hold 32 bytes in base64.
    #[error("the master key is not 32 bytes in base64")]
    BadMasterKey,
    /// The id of the key is empty or too long.
    #[error("the id of the master key has 1 to 32 characters")]
    BadKeyId,
    /// Two keys have the same id.
    #[error("two master keys have the id `{0}`")]
    KeyIdTwice(String),
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
    /// Overwrites its key when it is dropped.
    cipher: XChaCha20Poly1305,
}

/// Seals and opens secrets (XChaCha20-Poly1305): each value with a key of its own, which the master key wraps.
#[derive(Clone)]
pub struct Vault {
    /// The first key seals, all of them open.
    keys: Vec<Key>,
}

/// Sealed bytes, taken apart.
struct Parts<'a> {
    key_id: &'a str,
    /// Nonce and wrapped data key; none in the first form.
    wrapped: Option<&'a [u8]>,
    /// Nonce and ciphertext with its tag.
    value: &'a [u8],
}

impl Vault {
    /// A vault that seals with `master_key` (base64 of 32 bytes), known as `key_id` of at most 32 bytes.
    pub fn new(key_id: &str, master_key: &SecretString) -> Result<Self, SecretError> {
        Ok(Self { keys: vec![Key::new(key_id, master_key)?] })
    }

    /// The same vault, able to open what was sealed with an earlier (or the coming) key too.
    pub fn with_earlier_key(mut self, key_id: &str, master_key: &SecretString) -> Result<Self, SecretError> {
        if self.keys.iter().any(|key| key.id == key_id) {
            return Err(SecretError::KeyIdTwice(key_id.to_owned()));
        }
        self.keys.push(Key::new(key_id, master_key)?);
        Ok(self)
    }

    /// The same vault, able to open what was sealed with any of these keys too.
    pub fn with_earlier_keys(self, keys: &[(String, SecretString)]) -> Result<Self, SecretError> {
        keys.iter().try_fold(self, |vault, (id, key)| vault.with_earlier_key(id, key))
    }

    /// The id of the key that seals.
    pub fn key_id(&self) -> &str {
        self.keys.first().map_or("", |key| &key.id)
    }

    /// Seals `secret`: form, length of the key id, key id, nonce and wrapped data key (24 + 48 bytes), nonce and value with its tag.
    pub fn seal(&self, owner: impl Into<Owner>, purpose: Purpose, secret: &SecretString) -> Result<Vec<u8>, SecretError> {
        self.seal_bytes(owner, purpose, secret.expose_secret().as_bytes())
    }

    /// Opens what [`Vault::seal`] made for the same owner and purpose.
    pub fn open(&self, owner: impl Into<Owner>, purpose: Purpose, sealed: &[u8]) -> Result<SecretString, SecretError> {
        let opened = self.opened(owner.into(), purpose, sealed)?;
        str::from_utf8(&opened).map(SecretString::from).map_err(|_| SecretError::Refused)
    }

    /// [`Vault::seal`] for what is not text.
    pub fn seal_bytes(&self, owner: impl Into<Owner>, purpose: Purpose, secret: &[u8]) -> Result<Vec<u8>, SecretError> {
        let owner = owner.into();
        let data_key = Zeroizing::new(rand::random::<[u8; KEY_LENGTH]>());
        let head = self.wrapped(owner, purpose, &data_key)?;
        let value = encrypt(&cipher(&data_key), &binding(Layer::Value, owner, purpose), secret)?;
        Ok([head, value].concat())
    }

    /// [`Vault::open`] for what is not text.
    pub fn open_bytes(&self, owner: impl Into<Owner>, purpose: Purpose, sealed: &[u8]) -> Result<SecretSlice<u8>, SecretError> {
        let opened = self.opened(owner.into(), purpose, sealed)?;
        Ok(opened.to_vec().into())
    }

    /// The same sealed value under the key that seals now; none when it is already. Only the wrapping of the data key changes: the value
    /// itself is not opened. (A value of the first form has no data key yet, and is sealed anew.)
    pub fn rewrap(&self, owner: impl Into<Owner>, purpose: Purpose, sealed: &[u8]) -> Result<Option<Vec<u8>>, SecretError> {
        let owner = owner.into();
        let parts = Parts::of(sealed)?;
        let Some(wrapped) = parts.wrapped else { return self.reseal(owner, purpose, sealed).map(Some) };
        if parts.key_id == self.key_id() {
            return Ok(None);
        }
        let data_key = self.data_key(owner, purpose, parts.key_id, wrapped)?;
        Ok(Some([&self.wrapped(owner, purpose, &data_key)?, parts.value].concat()))
    }

    /// The same secret, sealed with a fresh data key.
    pub fn reseal(&self, owner: impl Into<Owner>, purpose: Purpose, sealed: &[u8]) -> Result<Vec<u8>, SecretError> {
        let owner = owner.into();
        self.seal_bytes(owner, purpose, &self.opened(owner, purpose, sealed)?)
    }

    fn opened(&self, owner: Owner, purpose: Purpose, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let parts = Parts::of(sealed)?;
        match parts.wrapped {
            Some(wrapped) => {
                let data_key = self.data_key(owner, purpose, parts.key_id, wrapped)?;
                decrypt(&cipher(&data_key), &binding(Layer::Value, owner, purpose), parts.value)
            }
            None => decrypt(&self.key(parts.key_id)?.cipher, &first_binding(owner, purpose), parts.value),
        }
    }

    fn key(&self, id: &str) -> Result<&Key, SecretError> {
        self.keys.iter().find(|key| key.id == id).ok_or_else(|| SecretError::UnknownKey(id.to_owned()))
    }

    /// Everything before the value: form, key id, wrapped data key.
    fn wrapped(&self, owner: Owner, purpose: Purpose, data_key: &[u8; KEY_LENGTH]) -> Result<Vec<u8>, SecretError> {
        let key = self.keys.first().ok_or(SecretError::BadKeyId)?;
        let key_length = u8::try_from(key.id.len()).map_err(|_| SecretError::BadKeyId)?;
        let wrapped = encrypt(&key.cipher, &binding(Layer::Key, owner, purpose), data_key)?;
        Ok([&[FORM, key_length], key.id.as_bytes(), &wrapped].concat())
    }

    fn data_key(&self, owner: Owner, purpose: Purpose, key_id: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; KEY_LENGTH]>, SecretError> {
        let opened = decrypt(&self.key(key_id)?.cipher, &binding(Layer::Key, owner, purpose), wrapped)?;
        let mut data_key = Zeroizing::new([0; KEY_LENGTH]);
        if opened.len() != KEY_LENGTH {
            return Err(SecretError::Refused);
        }
        data_key.copy_from_slice(&opened);
        Ok(data_key)
    }
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Result<Self, SecretError> {
        let (&[form, key_length], rest) = sealed.split_first_chunk().ok_or(SecretError::Malformed)?;
        let (key_id, rest) = rest.split_at_checked(usize::from(key_length)).ok_or(SecretError::Malformed)?;
        let key_id = str::from_utf8(key_id).map_err(|_| SecretError::Malformed)?;
        let (wrapped, value) = match form {
            FORM => rest.split_at_checked(WRAPPED_LENGTH).map(|(wrapped, value)| (Some(wrapped), value)).ok_or(SecretError::Malformed)?,
            FIRST_FORM => (None, rest),
            _ => return Err(SecretError::Malformed),
        };
        Ok(Self { key_id, wrapped, value })
    }
}

impl Key {
    fn new(id: &str, master_key: &SecretString) -> Result<Self, SecretError> {
        if id.is_empty() || id.len() > 32 {
            return Err(SecretError::BadKeyId);
        }
        let bytes = STANDARD.decode(master_key.expose_secret().trim()).map_err(|_| SecretError::BadMasterKey)?;
        let bytes = SecretSlice::from(bytes);
        let key: &[u8; KEY_LENGTH] = bytes.expose_secret().try_into().map_err(|_| SecretError::BadMasterKey)?;
        Ok(Self { id: id.to_owned(), cipher: cipher(key) })
    }
}

fn cipher(key: &[u8; KEY_LENGTH]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

/// Nonce and ciphertext with its tag.
fn encrypt(cipher: &XChaCha20Poly1305, binding: &[u8], secret: &[u8]) -> Result<Vec<u8>, SecretError> {
    let nonce: [u8; NONCE_LENGTH] = rand::random();
    // Room for the tag from the start: a buffer that grew would leave the secret behind.
    let mut buffer = Vec::with_capacity(secret.len() + TAG_LENGTH);
    buffer.extend_from_slice(secret);
    if cipher.encrypt_in_place(&XNonce::from(nonce), binding, &mut buffer).is_err() {
        buffer.zeroize();
        return Err(SecretError::Unavailable);
    }
    Ok([&nonce, buffer.as_slice()].concat())
}

fn decrypt(cipher: &XChaCha20Poly1305, binding: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(SecretError::Malformed)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    cipher.decrypt_in_place(&XNonce::from(*nonce), binding, &mut *buffer).map_err(|_| SecretError::Refused)?;
    Ok(buffer)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}
