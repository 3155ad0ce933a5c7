use base64::{Engine, engine::general_purpose::STANDARD};
use kernel::{ChannelId, OrganizationId};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Purpose, SecretError, Vault};

fn vault(key_id: &str, byte: u8) -> Vault {
    Vault::new(key_id, &STANDARD.encode([byte; 32]).into()).unwrap()
}

fn organization(n: u128) -> OrganizationId {
    Uuid::from_u128(n).into()
}

fn purpose(n: u128) -> Purpose {
    Purpose::ChannelToken(ChannelId::from(Uuid::from_u128(n)))
}

#[test]
fn a_sealed_token_opens_for_its_owner_only() {
    let vault = vault("k1", 7);
    let sealed = vault.seal(organization(1), purpose(2), &"EAAG-secret".into()).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("EAAG"));
    assert_eq!(vault.open(organization(1), purpose(2), &sealed).unwrap().expose_secret(), "EAAG-secret");
    assert_eq!(vault.open(organization(9), purpose(2), &sealed).unwrap_err(), SecretError::Refused);
    assert_eq!(vault.open(organization(1), purpose(9), &sealed).unwrap_err(), SecretError::Refused);
}

#[test]
fn every_changed_byte_is_noticed() {
    let vault = vault("k1", 7);
    let sealed = vault.seal(organization(1), purpose(2), &"secret".into()).unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(vault.open(organization(1), purpose(2), &changed).is_err(), "byte {at}");
        assert!(vault.open(organization(1), purpose(2), &sealed[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn the_same_secret_never_looks_the_same_twice() {
    let vault = vault("k1", 7);
    let seal = || vault.seal(organization(1), purpose(2), &"secret".into()).unwrap();
    assert_ne!(seal(), seal());
}

#[test]
fn an_earlier_key_still_opens_and_a_missing_one_is_named() {
    let old = vault("k1", 7);
    let sealed = old.seal(organization(1), purpose(2), &"secret".into()).unwrap();
    assert_eq!(vault("k2", 8).open(organization(1), purpose(2), &sealed).unwrap_err(), SecretError::UnknownKey("k1".into()));
    assert_eq!(vault("k1", 8).open(organization(1), purpose(2), &sealed).unwrap_err(), SecretError::Refused);
    let rotated = vault("k2", 8).with_earlier_key("k1", &STANDARD.encode([7; 32]).into()).unwrap();
    assert_eq!(rotated.open(organization(1), purpose(2), &sealed).unwrap().expose_secret(), "secret");
}

#[test]
fn bad_settings_are_refused_and_nothing_is_printed() {
    let short: SecretString = STANDARD.encode([1; 31]).into();
    assert_eq!(Vault::new("k1", &short).unwrap_err(), SecretError::BadMasterKey);
    assert_eq!(Vault::new("k1", &"no base64!".into()).unwrap_err(), SecretError::BadMasterKey);
    assert_eq!(Vault::new("", &STANDARD.encode([1; 32]).into()).unwrap_err(), SecretError::BadKeyId);
    assert_eq!(format!("{:?}", vault("k1", 7)), r#"["k1"]"#);
}
