//! The two tokens of a login: the access token (JWT, minutes) and the refresh token (opaque, days).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{OrganizationId, SessionId, UserId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{error::TokenError, permissions::Role};

const ISSUER: &str = "heliograph";
const AUDIENCE: &str = "heliograph-api";
/// Tells access tokens from whatever else may once be signed with the same key.
const ACCESS: &str = "access";
/// How far clocks of two machines may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who signed in.
    pub user: UserId,
    /// For which organization.
    pub organization: OrganizationId,
    /// The role at the time of signing in; what counts is the present one, see [`super::Identity::standing`].
    pub role: Role,
    /// The login.
    pub session: SessionId,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    typ: String,
    sub: UserId,
    org: OrganizationId,
    role: Role,
    session: SessionId,
    iat: i64,
    exp: i64,
}

/// Signs and reads access tokens (HS256) and derives the successors of refresh tokens.
#[derive(Clone)]
pub struct TokenKeys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    succession: [u8; 32],
    access_ttl: TimeDelta,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKeys(…)")
    }
}

impl TokenKeys {
    /// Keys from the installation's secret; access tokens live for `access_ttl`.
    pub fn new(secret: &SecretString, access_ttl: TimeDelta) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The instants are compared below with the clock that was passed in, not with the machine's.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            succession: mac(secret, b"refresh token succession"),
            access_ttl,
        }
    }

    /// Signs an access token.
    pub fn sign(&self, access: Access, now: DateTime<Utc>) -> String {
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            typ: ACCESS.into(),
            sub: access.user,
            org: access.organization,
            role: access.role,
            session: access.session,
            iat: now.timestamp(),
            exp: (now + self.access_ttl).timestamp(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).expect("claims are plain JSON and the key fits HS256")
    }

    /// Reads an access token that we signed and that has not expired.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Access, TokenError> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).map_err(|_| TokenError::Invalid)?.claims;
        if claims.typ != ACCESS || claims.iat > (now + LEEWAY).timestamp() {
            return Err(TokenError::Invalid);
        }
        if claims.exp <= (now - LEEWAY).timestamp() {
            return Err(TokenError::Expired);
        }
        Ok(Access { user: claims.sub, organization: claims.org, role: claims.role, session: claims.session })
    }

    /// The one successor of a refresh token: presenting a token twice can only ever yield the same one.
    pub(super) fn successor(&self, token: &RefreshToken) -> RefreshToken {
        RefreshToken { family: token.family, secret: mac(&self.succession, &[token.family.as_slice(), &token.secret].concat()) }
    }
}

/// A refresh token: which family it belongs to, and the secret that changes with each rotation.
///
/// The family part is as secret as the rest, so that nobody who never held a token of a family can end it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    family: [u8; 16],
    secret: [u8; 32],
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

impl RefreshToken {
    /// The first token of a new family.
    pub(super) fn random() -> Self {
        Self { family: rand::random(), secret: rand::random() }
    }

    /// Reads the text of a cookie; `None` when it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 48];
        if text.len() != 64 || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let (family, secret) = bytes.split_at(16);
        Some(Self { family: family.try_into().ok()?, secret: secret.try_into().ok()? })
    }

    /// The text of the cookie.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.family.as_slice(), &self.secret].concat())
    }

    /// What the database knows of the family.
    pub(super) fn family_hash(&self) -> [u8; 32] {
        Sha256::digest(self.family).into()
    }

    /// What the database knows of the token.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest([self.family.as_slice(), &self.secret].concat()).into()
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_900_000_000, 0).unwrap()
    }

    fn keys(secret: &str) -> TokenKeys {
        TokenKeys::new(&secret.to_owned().into(), TimeDelta::minutes(15))
    }

    fn access() -> Access {
        Access { user: UserId::at(now()), organization: OrganizationId::at(now()), role: Role::Agent, session: SessionId::at(now()) }
    }

    #[test]
    fn an_access_token_survives_the_round_trip() {
        let access = access();
        assert_eq!(keys("a").verify(&keys("a").sign(access, now()), now()), Ok(access));
    }

    #[test]
    fn an_access_token_ends_after_its_time_and_half_a_minute() {
        let token = keys("a").sign(access(), now());
        assert!(keys("a").verify(&token, now() + TimeDelta::seconds(900 + 29)).is_ok());
        assert_eq!(keys("a").verify(&token, now() + TimeDelta::seconds(900 + 30)), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_from_the_future_or_of_another_key_is_refused() {
        let token = keys("a").sign(access(), now());
        assert_eq!(keys("a").verify(&token, now() - TimeDelta::seconds(31)), Err(TokenError::Invalid));
        assert_eq!(keys("b").verify(&token, now()), Err(TokenError::Invalid));
    }

    #[test]
    fn a_token_without_or_with_another_signature_is_refused() {
        let keys = keys("a");
        let token = keys.sign(access(), now());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let payload = signed.split_once('.').unwrap().1;
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"None"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"RS256"}"#, r#"{"typ":"JWT"}"#] {
            let header = URL_SAFE_NO_PAD.encode(header);
            for signature in ["", signature] {
                assert_eq!(keys.verify(&format!("{header}.{payload}.{signature}"), now()), Err(TokenError::Invalid), "{header}");
            }
        }
        assert_eq!(keys.verify(&format!("{signed}."), now()), Err(TokenError::Invalid));
        assert_eq!(keys.verify("", now()), Err(TokenError::Invalid));
    }

    #[test]
    fn a_refresh_token_has_one_successor_in_its_family() {
        let first = RefreshToken::random();
        let second = keys("a").successor(&first);
        assert_eq!(second, keys("a").successor(&first));
        assert_ne!(second, keys("b").successor(&first));
        assert_ne!(second.hash(), first.hash());
        assert_eq!(second.family_hash(), first.family_hash());
        assert_eq!(RefreshToken::parse(&second.encode()), Some(second));
    }

    #[test]
    fn nonsense_is_no_refresh_token() {
        for text in ["", "abc", &"*".repeat(64), &"A".repeat(65)] {
            assert_eq!(RefreshToken::parse(text), None);
        }
    }
}
