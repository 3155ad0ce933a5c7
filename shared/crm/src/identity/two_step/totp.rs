//! Codes of an app: RFC 6238 with SHA-1, six digits and steps of 30 s, which is what every app can do.

use chrono::{DateTime, Utc};
use secrecy::{SecretSlice, SecretString};
use totp_rs::{Algorithm, Builder, Totp};

/// Bytes of a secret, as RFC 4226 recommends.
const SECRET_LENGTH: usize = 20;
const DIGITS: u8 = 6;
const STEP_S: u64 = 30;
/// Steps before and after the present one whose codes count, for clocks that are apart.
const SKEW: u16 = 1;
/// By which the app names the account.
const ISSUER: &str = "Heliograph";

/// What an app is told once.
#[derive(Debug)]
pub struct Enrolment {
    /// The secret in base32, to be typed.
    pub secret: SecretString,
    /// The same and everything else, to be shown as a QR code.
    pub url: SecretString,
}

pub(super) fn new_secret() -> SecretSlice<u8> {
    rand::random::<[u8; SECRET_LENGTH]>().to_vec().into()
}

pub(super) fn enrolment(secret: &[u8], account: &str) -> Enrolment {
    // A colon would end the account's name in the address.
    let account = account.replace(':', "");
    let totp = totp(secret, &account);
    let url = totp.to_url().expect("the account has a name without a colon");
    Enrolment { secret: totp.secret().to_base32().into(), url: url.into() }
}

/// Whether a text looks like a code of an app.
pub(super) fn is_shaped(code: &str) -> bool {
    code.len() == usize::from(DIGITS) && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// The step that a code is of, if it is the present one or a neighbour.
pub(super) fn step_of(secret: &[u8], code: &str, now: DateTime<Utc>) -> Option<i64> {
    let code = code.trim();
    if !is_shaped(code) {
        return None;
    }
    let step = totp(secret, "account").check(code, u64::try_from(now.timestamp()).ok()?)?;
    i64::try_from(step).ok()
}

fn totp(secret: &[u8], account: &str) -> Totp {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_skew(SKEW)
        .with_step_duration(STEP_S)
        .with_secret(secret.to_vec())
        .with_issuer(Some(ISSUER))
        .with_account_name(account)
        .build_noncompliant()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// RFC 6238, appendix B: the secret and the last six digits of its codes.
    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(step_of(SECRET, code, at(second)), Some(second / 30), "{second}");
        }
    }

    #[test]
    fn a_code_counts_one_step_early_or_late() {
        let accepted: Vec<i64> = (-90..120).filter(|shift| step_of(SECRET, "005924", at(1_234_567_890 + shift)).is_some()).collect();
        assert_eq!((accepted[0], accepted[accepted.len() - 1], accepted.len()), (-30, 59, 90));
    }

    #[test]
    fn nonsense_is_no_code() {
        for code in ["", "00592", "0059240", "00592a", "٠٠٥٩٢٤", "-05924", "+05924"] {
            assert_eq!(step_of(SECRET, code, at(1_234_567_890)), None, "{code}");
        }
    }

    #[test]
    fn an_app_is_told_everything_in_one_address() {
        let enrolment = enrolment(SECRET, "ada@example.com");
        assert_eq!(enrolment.secret.expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let url = enrolment.url.expose_secret();
        assert!(url.starts_with("otpauth://totp/Heliograph:ada%40example.com?"), "{url}");
        for part in ["secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "issuer=Heliograph"] {
            assert!(url.contains(part), "{url}");
        }
    }
}
