//! `X-Hub-Signature-256`: HMAC-SHA256 over the bytes as they came, with the app secret.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Finds the secret that signed `raw`: its index in `secrets`, or none.
///
/// Several secrets are valid while one replaces another. An empty secret verifies nothing. `header` is the one value of
/// `X-Hub-Signature-256`: a request with several of them must be refused by the caller. The comparison takes the same time wherever the first difference is.
pub fn verify_signature(secrets: &[SecretString], raw: &[u8], header: Option<&str>) -> Option<usize> {
    let mut signature = [0; 32];
    hex::decode_to_slice(header?.strip_prefix("sha256=")?, &mut signature).ok()?;
    secrets.iter().position(|secret| {
        let secret = secret.expose_secret();
        if secret.is_empty() {
            return false;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(raw);
        mac.verify_slice(&signature).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    fn sign(secret: &str, raw: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(raw);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn the_known_vector_verifies() {
        // RFC 4231, test case 2.
        let header = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(verify_signature(&secrets(&["Jefe"]), b"what do ya want for nothing?", Some(header)), Some(0));
    }

    #[test]
    fn the_secret_that_signed_is_named() {
        let header = sign("old", b"body");
        assert_eq!(verify_signature(&secrets(&["new", "old"]), b"body", Some(&header)), Some(1));
        assert_eq!(verify_signature(&secrets(&["new"]), b"body", Some(&header)), None);
        assert_eq!(verify_signature(&[], b"body", Some(&header)), None);
    }

    #[test]
    fn everything_else_is_refused() {
        let known = secrets(&["secret", ""]);
        let good = sign("secret", b"body");
        assert_eq!(verify_signature(&known, b"body", Some(&good)), Some(0));
        for bad in [
            "",
            "sha256=",
            &good[7..],
            &good.replace("sha256", "sha1"),
            &good.replace("sha256", "SHA256"),
            &good[..good.len() - 2],
            &format!("{good}00"),
            &format!("{good} "),
            &format!("{good}, {good}"),
            "sha256=zz",
            &sign("other", b"body"),
            &sign("", b"body"),
            &sign("secret", b"body "),
        ] {
            assert_eq!(verify_signature(&known, b"body", Some(bad)), None, "{bad}");
        }
        assert_eq!(verify_signature(&known, b"body", None), None);
    }
}
