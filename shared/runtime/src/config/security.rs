//! Settings of sign-in and of the encryption of stored credentials.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::Deserialize;

pub(super) const DEVELOPMENT_JWT_SECRET: &str = "development-jwt-secret-not-for-production";
pub(super) const DEVELOPMENT_MASTER_KEY: &str = "aGVsaW9ncmFwaC1kZXZlbG9wbWVudC1rZXktMzJieSE=";

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
    /// Signs access tokens; at least 32 characters. Public default in development, none in production.
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
}

impl Default for SecretsConfig {
    fn default() -> Self {
        Self { master_key: DEVELOPMENT_MASTER_KEY.into(), key_id: "1".into() }
    }
}

impl SecretsConfig {
    /// The bytes of the master key; `None` when it is not 32 bytes in base64, which a loaded configuration rules out.
    pub fn master_key_bytes(&self) -> Option<SecretBox<[u8; 32]>> {
        let bytes = STANDARD.decode(self.master_key.expose_secret().trim()).ok()?;
        Some(SecretBox::new(Box::new(bytes.try_into().ok()?)))
    }
}
