//! Keys made from the installation's signing secret, one for each use, so that no two uses share one.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The values of a setting that holds several secrets, separated by commas. The first one makes new things, all of them are accepted.
/// There is always at least one.
pub(crate) fn secrets(setting: &SecretString) -> Vec<SecretString> {
    let values = setting.expose_secret().split(',').map(str::trim).filter(|value| !value.is_empty());
    let mut secrets: Vec<SecretString> = values.map(Into::into).collect();
    if secrets.is_empty() {
        secrets.push(setting.clone());
    }
    secrets
}

/// The key of a use, from the newest secret of the setting.
pub(super) fn key(setting: &SecretString, usage: &str) -> [u8; 32] {
    mac(secrets(setting)[0].expose_secret().as_bytes(), usage.as_bytes())
}

/// HMAC-SHA-256.
pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_may_hold_several_secrets() {
        let told = |setting: &str| -> Vec<String> {
            secrets(&setting.to_owned().into()).iter().map(|secret| secret.expose_secret().to_owned()).collect()
        };
        assert_eq!(told("one"), ["one"]);
        assert_eq!(told("new, old,"), ["new", "old"]);
        assert_eq!(told(""), [""]);
    }

    #[test]
    fn each_use_has_a_key_of_its_own_from_the_first_secret() {
        let setting: SecretString = "new,old".into();
        assert_eq!(key(&setting, "a"), key(&"new".into(), "a"));
        assert_ne!(key(&setting, "a"), key(&setting, "b"));
        assert_ne!(key(&setting, "a"), key(&"old".into(), "a"));
    }
}
