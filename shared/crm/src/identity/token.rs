//! The two tokens of a login: the access token (JWT, minutes) and the refresh token (opaque, days).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{OrganizationId, SessionId, UserId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{derive, error::TokenError};

/// The one algorithm.
const ALGORITHM: Algorithm = Algorithm::HS256;
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
    session: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

/// Signs and reads access tokens (HS256, nothing else) and derives the successors of refresh tokens.
#[derive(Clone)]
pub struct TokenKeys {
    /// The first one signs, all of them verify.
    keys: Vec<SigningKey>,
    validation: Validation,
    succession: [u8; 32],
    access_ttl: TimeDelta,
}

#[derive(Clone)]
struct SigningKey {
    /// By which a token names it: a keyed hash of the secret, which tells nothing about it.
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKeys(…)")
    }
}

impl SigningKey {
    fn new(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let id = hex::encode(&derive::mac(secret, b"id of the access token key")[..6]);
        Self { id, encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret) }
    }
}

impl TokenKeys {
    /// Keys from the installation's secrets, separated by commas: the first one signs, all of them verify. Access tokens live for
    /// `access_ttl`.
    pub fn new(secrets: &SecretString, access_ttl: TimeDelta) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The instants are compared below with the clock that was passed in, not with the machine's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            keys: derive::secrets(secrets).iter().map(SigningKey::new).collect(),
            validation,
            succession: derive::key(secrets, "refresh token succession"),
            access_ttl,
        }
    }

    /// Signs an access token.
    pub fn sign(&self, access: Access, now: DateTime<Utc>) -> String {
        let issued = now.timestamp();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            typ: ACCESS.into(),
            sub: access.user,
            org: access.organization,
            session: access.session,
            iat: issued,
            nbf: issued,
            exp: (now + self.access_ttl).timestamp(),
            jti: hex::encode(rand::random::<[u8; 16]>()),
        };
        let key = &self.keys[0];
        let header = Header { kid: Some(key.id.clone()), ..Header::new(ALGORITHM) };
        jsonwebtoken::encode(&header, &claims, &key.encoding).expect("claims are plain JSON and the key fits HS256")
    }

    /// Reads an access token that we signed and that has not expired.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Access, TokenError> {
        let key = self.key_of(token).ok_or(TokenError::Invalid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation).map_err(|_| TokenError::Invalid)?.claims;
        let soonest = (now + LEEWAY).timestamp();
        if claims.typ != ACCESS || claims.iat > soonest || claims.nbf > soonest {
            return Err(TokenError::Invalid);
        }
        if claims.exp <= (now - LEEWAY).timestamp() {
            return Err(TokenError::Expired);
        }
        Ok(Access { user: claims.sub, organization: claims.org, session: claims.session })
    }

    /// The key that a token names, which must be one of ours. A token that brings a key along, or says where to fetch one, has none.
    fn key_of(&self, token: &str) -> Option<&SigningKey> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let brings_key = header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some();
        if header.alg != ALGORITHM || brings_key {
            return None;
        }
        let id = header.kid?;
        self.keys.iter().find(|key| key.id == id)
    }

    /// The one successor of a refresh token: presenting a token twice can only ever yield the same one.
    pub(super) fn successor(&self, token: &RefreshToken) -> RefreshToken {
        RefreshToken { family: token.family, secret: derive::mac(&self.succession, &[token.family.as_slice(), &token.secret].concat()) }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_900_000_000, 0).unwrap()
    }

    fn keys(secret: &str) -> TokenKeys {
        TokenKeys::new(&secret.to_owned().into(), TimeDelta::minutes(15))
    }

    fn access() -> Access {
        Access { user: UserId::at(now()), organization: OrganizationId::at(now()), session: SessionId::at(now()) }
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

    /// A token of `header` and the claims of a good one, changed by `change`, rightly signed with `secret`.
    fn forged(secret: &str, header: &serde_json::Value, change: impl FnOnce(&mut serde_json::Value)) -> String {
        let good = keys(secret).sign(access(), now());
        let claims = URL_SAFE_NO_PAD.decode(good.split('.').nth(1).unwrap()).unwrap();
        let mut claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        change(&mut claims);
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(derive::mac(secret.as_bytes(), signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn header(secret: &str) -> serde_json::Value {
        json!({ "alg": "HS256", "typ": "JWT", "kid": keys(secret).keys[0].id })
    }

    #[test]
    fn a_token_without_or_with_another_signature_is_refused() {
        let keys = keys("a");
        let token = keys.sign(access(), now());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let payload = signed.split_once('.').unwrap().1;
        let kid = &keys.keys[0].id;
        for alg in ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "EdDSA", ""] {
            let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "JWT", "kid": kid }).to_string());
            for signature in ["", signature] {
                assert_eq!(keys.verify(&format!("{header}.{payload}.{signature}"), now()), Err(TokenError::Invalid), "{alg}");
            }
        }
        assert_eq!(keys.verify(&format!("{signed}."), now()), Err(TokenError::Invalid));
        assert_eq!(keys.verify("", now()), Err(TokenError::Invalid));
    }

    #[test]
    fn only_a_known_key_counts_and_none_that_the_token_brings_along() {
        assert!(keys("a").verify(&forged("a", &header("a"), |_| ()), now()).is_ok(), "the forgery of the test is a good one");
        let headers = [
            json!({ "alg": "HS256", "typ": "JWT" }),
            json!({ "alg": "HS256", "kid": "../../dev/null" }),
            json!({ "alg": "HS256", "kid": "' union select 'secret" }),
            json!({ "alg": "HS256", "kid": "https://attacker.example/key" }),
            json!({ "alg": "HS256", "kid": keys("b").keys[0].id }),
        ];
        for header in headers {
            assert_eq!(keys("a").verify(&forged("a", &header, |_| ()), now()), Err(TokenError::Invalid), "{header}");
        }
        for (name, value) in [
            ("jku", json!("https://attacker.example/jwks")),
            ("x5u", json!("https://attacker.example/chain")),
            ("x5c", json!(["MIIB"])),
            ("jwk", json!({ "kty": "oct", "k": "YXR0YWNrZXI" })),
        ] {
            let mut header = header("a");
            header[name] = value;
            assert_eq!(keys("a").verify(&forged("a", &header, |_| ()), now()), Err(TokenError::Invalid), "{name}");
        }
    }

    #[test]
    fn a_token_that_lacks_or_changes_a_claim_is_refused() {
        for claim in ["iss", "aud", "typ", "sub", "org", "session", "iat", "nbf", "exp", "jti"] {
            let token = forged("a", &header("a"), |claims| {
                claims.as_object_mut().unwrap().remove(claim);
            });
            assert_eq!(keys("a").verify(&token, now()), Err(TokenError::Invalid), "without {claim}");
        }
        let later = now().timestamp() + 31;
        for (claim, value) in [
            ("iss", json!("somebody")),
            ("aud", json!("another-api")),
            ("typ", json!("refresh")),
            ("nbf", json!(later)),
            ("iat", json!(later)),
            ("sub", json!("1")),
        ] {
            let token = forged("a", &header("a"), |claims| claims[claim] = value.clone());
            assert_eq!(keys("a").verify(&token, now()), Err(TokenError::Invalid), "{claim} {value}");
        }
        let token = forged("a", &header("a"), |claims| claims["exp"] = json!(now().timestamp() - 30));
        assert_eq!(keys("a").verify(&token, now()), Err(TokenError::Expired));
    }

    #[test]
    fn an_earlier_secret_still_verifies_and_the_first_one_signs() {
        let both = keys("new,old");
        let old = keys("old").sign(access(), now());
        assert!(both.verify(&old, now()).is_ok());
        let new = both.sign(access(), now());
        assert!(keys("new").verify(&new, now()).is_ok());
        assert_eq!(keys("old").verify(&new, now()), Err(TokenError::Invalid));
        assert_eq!(keys("new").verify(&old, now()), Err(TokenError::Invalid), "without the old secret its tokens end");
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        assert_ne!(keys("a").sign(access(), now()), keys("a").sign(access(), now()));
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
