//! Settings of sign-in and of the encryption of stored credentials.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretBox, SecretSlice, SecretString};
use serde::Deserialize;

pub(super) const DEVELOPMENT_JWT_SECRET: &str = "development-jwt-secret-not-for-production";
pub(super) const DEVELOPMENT_MASTER_KEY: &str = "aGVsaW9ncmFwaC1kZXZlbG9wbWVudC1rZXktMzJieSE=";

/// Longest id of a master key.
pub(super) const MAX_KEY_ID: usize = 32;

/// When a browser sends the refresh cookie.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    /// Only with requests that start on the same site.
    #[default]
    Strict,
    /// Also when a link leads here.
    Lax,
    /// Always; needs `cookie_secure`.
    None,
}

/// Sign-in.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Signs access tokens; at least 32 characters. Several, separated by commas, while one replaces another: the first one signs, all of
    /// them verify. Public default in development, none in production.
    pub jwt_secret: SecretString,
    /// Life of an access token, in seconds. Default 900 (15 minutes).
    pub access_token_ttl_s: u64,
    /// A login ends after so many seconds without a refresh. Default 604800 (7 days).
    pub refresh_idle_ttl_s: u64,
    /// A login ends after so many seconds in any case. Default 2592000 (30 days).
    pub refresh_absolute_ttl_s: u64,
    /// Whether the refresh cookie travels over HTTPS only. Default `false` in development, `true` in production.
    pub cookie_secure: bool,
    /// `strict` (default), `lax` or `none`.
    pub cookie_same_site: SameSite,
    /// Domain of the refresh cookie. Default: the host that set it.
    pub cookie_domain: Option<String>,
    /// Names the terms that somebody agrees to who signs up, 1 to 50 characters; stored with the time of the agreement. Default `2026-01-01`.
    pub terms_version: String,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            jwt_secret: DEVELOPMENT_JWT_SECRET.into(),
            access_token_ttl_s: 900,
            refresh_idle_ttl_s: 604_800,
            refresh_absolute_ttl_s: 2_592_000,
            cookie_secure: false,
            cookie_same_site: SameSite::default(),
            cookie_domain: None,
            terms_version: "2026-01-01".into(),
        }
    }
}

/// Encryption of stored credentials, such as access tokens of numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// 32 random bytes in base64 (`openssl rand -base64 32`). Public default in development, none in production.
    pub master_key: SecretString,
    /// Names the master key in what it encrypted, so that keys can be changed. Default `1`.
    pub key_id: String,
    /// Further keys that may open what they encrypted, comma separated, each as `id:base64`: those before the master key, until
    /// `api rotate-secrets` has run. Default: none.
    pub earlier_keys: SecretString,
}

impl Default for SecretsConfig {
    fn default() -> Self {
        Self { master_key: DEVELOPMENT_MASTER_KEY.into(), key_id: "1".into(), earlier_keys: SecretString::default() }
    }
}

impl SecretsConfig {
    /// The bytes of the master key; `None` when it is not 32 bytes in base64, which a loaded configuration rules out.
    pub fn master_key_bytes(&self) -> Option<SecretBox<[u8; 32]>> {
        key_bytes(&self.master_key)
    }

    /// The earlier keys, one by one: id and base64. A part without an id has an empty one.
    pub fn earlier_keys(&self) -> Vec<(String, SecretString)> {
        let keys = self.earlier_keys.expose_secret().split(',').map(str::trim).filter(|key| !key.is_empty());
        keys.map(|key| key.split_once(':').unwrap_or(("", key))).map(|(id, key)| (id.trim().to_owned(), key.trim().into())).collect()
    }

    /// Whether every earlier key is 32 bytes in base64 with an id, and no id stands twice.
    pub(super) fn earlier_keys_are_usable(&self) -> bool {
        let keys = self.earlier_keys();
        let mut ids: Vec<_> = keys.iter().map(|(id, _)| id.as_str()).chain([self.key_id.as_str()]).collect();
        ids.sort_unstable();
        ids.windows(2).all(|pair| pair[0] != pair[1])
            && keys.iter().all(|(id, key)| !id.is_empty() && id.len() <= MAX_KEY_ID && key_bytes(key).is_some())
    }
}

fn key_bytes(key: &SecretString) -> Option<SecretBox<[u8; 32]>> {
    let bytes = SecretSlice::from(STANDARD.decode(key.expose_secret().trim()).ok()?);
    Some(SecretBox::new(Box::new(bytes.expose_secret().try_into().ok()?)))
}
