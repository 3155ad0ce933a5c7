//! Access tokens as an attacker would write them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

/// What the API under test signs with.
pub(crate) const SECRET: &str = "what the api under test signs its tokens with";

/// The parts of a token.
#[derive(Clone, Debug)]
pub(crate) struct Forged {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Forged {
    /// Takes a good token apart.
    pub(crate) fn from(token: &str) -> Self {
        let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64"));
        let mut next = || serde_json::from_slice(&parts.next().expect("a part")).expect("JSON");
        Self { header: next(), claims: next() }
    }

    /// The same with another header field; `null` takes it away.
    pub(crate) fn header(mut self, name: &str, value: Value) -> Self {
        set(&mut self.header, name, value);
        self
    }

    /// The same with another claim; `null` takes it away.
    pub(crate) fn claim(mut self, name: &str, value: Value) -> Self {
        set(&mut self.claims, name, value);
        self
    }

    /// The token, rightly signed with the secret of the API.
    pub(crate) fn signed(&self) -> String {
        self.signed_with(SECRET.as_bytes())
    }

    /// The token, signed with another key by HS256.
    pub(crate) fn signed_with(&self, key: &[u8]) -> String {
        self.with_signature(|text| mac::<Hmac<Sha256>>(key, text))
    }

    /// The token, rightly signed by HS384 or HS512.
    pub(crate) fn signed_longer(&self, algorithm: &str) -> String {
        let token = self.clone().header("alg", json!(algorithm));
        token.with_signature(|text| match algorithm {
            "HS384" => mac::<Hmac<Sha384>>(SECRET.as_bytes(), text),
            "HS512" => mac::<Hmac<Sha512>>(SECRET.as_bytes(), text),
            other => panic!("{other}"),
        })
    }

    /// The token with no signature at all.
    pub(crate) fn unsigned(&self) -> String {
        self.with_signature(|_| Vec::new())
    }

    fn with_signature(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(text.as_bytes()));
        format!("{text}.{signature}")
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn set(object: &mut Value, name: &str, value: Value) {
    let fields = object.as_object_mut().expect("an object");
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
}
