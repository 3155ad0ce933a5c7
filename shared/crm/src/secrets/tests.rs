use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use kernel::{ChannelId, OrganizationId, UserId};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Owner, Purpose, SecretError, Vault};

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

/// Sealed as before values had keys of their own.
fn first_form(key_id: &str, byte: u8, organization: OrganizationId, channel: ChannelId, secret: &str) -> Vec<u8> {
    let nonce = [5; 24];
    let binding = [organization.uuid().as_bytes().as_slice(), b"channels.access_token", channel.uuid().as_bytes()].concat();
    let payload = Payload { msg: secret.as_bytes(), aad: &binding };
    let ciphertext = XChaCha20Poly1305::new(&[byte; 32].into()).encrypt(&XNonce::from(nonce), payload).unwrap();
    [&[1, u8::try_from(key_id.len()).unwrap()], key_id.as_bytes(), &nonce, &ciphertext].concat()
}

#[test]
fn what_was_sealed_in_the_first_form_still_opens_and_is_renewed() {
    let channel = ChannelId::from(Uuid::from_u128(2));
    let old = first_form("k1", 7, organization(1), channel, "secret");
    let vault = vault("k1", 7);
    assert_eq!(vault.open(organization(1), purpose(2), &old).unwrap().expose_secret(), "secret");
    assert_eq!(vault.open(organization(2), purpose(2), &old).unwrap_err(), SecretError::Refused);
    let renewed = vault.rewrap(organization(1), purpose(2), &old).unwrap().expect("it has no key of its own yet");
    assert_eq!(renewed[0], 2);
    assert_eq!(vault.open(organization(1), purpose(2), &renewed).unwrap().expose_secret(), "secret");
    assert_eq!(vault.rewrap(organization(1), purpose(2), &renewed).unwrap(), None);
}

#[test]
fn another_wrapping_leaves_the_value_as_it_is() {
    let old = vault("k1", 7);
    let sealed = old.seal(organization(1), purpose(2), &"secret".into()).unwrap();
    let new = vault("k2", 8).with_earlier_key("k1", &STANDARD.encode([7; 32]).into()).unwrap();
    let rewrapped = new.rewrap(organization(1), purpose(2), &sealed).unwrap().expect("another key");
    let value = "secret".len() + 24 + 16;
    assert_eq!(rewrapped[rewrapped.len() - value..], sealed[sealed.len() - value..], "nonce and value are the same bytes");
    assert_ne!(rewrapped[..rewrapped.len() - value], sealed[..sealed.len() - value]);
    assert_eq!(
        vault("k2", 8).open(organization(1), purpose(2), &rewrapped).unwrap().expose_secret(),
        "secret",
        "the old key is not needed"
    );
    assert_eq!(new.rewrap(organization(1), purpose(2), &rewrapped).unwrap(), None);
    assert_eq!(new.rewrap(organization(2), purpose(2), &sealed).unwrap_err(), SecretError::Refused, "nobody else's");
    let resealed = new.reseal(organization(1), purpose(2), &rewrapped).unwrap();
    assert_ne!(resealed[resealed.len() - value..], sealed[sealed.len() - value..]);
    assert_eq!(vault("k2", 8).open(organization(1), purpose(2), &resealed).unwrap().expose_secret(), "secret");
}

#[test]
fn the_wrapped_key_and_the_value_belong_together() {
    let vault = vault("k1", 7);
    let [one, other] = ["secret", "public"].map(|text| vault.seal(organization(1), purpose(2), &text.into()).unwrap());
    let head = one.len() - "secret".len() - 24 - 16;
    let mixed = [&one[..head], &other[head..]].concat();
    assert_eq!(vault.open(organization(1), purpose(2), &mixed).unwrap_err(), SecretError::Refused);
}

#[test]
fn a_person_and_an_organization_with_the_same_id_are_not_the_same_owner() {
    let vault = vault("k1", 7);
    let user = UserId::from(Uuid::from_u128(1));
    let sealed = vault.seal(user, Purpose::TotpSecret(user), &"seed".into()).unwrap();
    assert_eq!(vault.open(Owner::User(user), Purpose::TotpSecret(user), &sealed).unwrap().expose_secret(), "seed");
    assert_eq!(vault.open(organization(1), Purpose::TotpSecret(user), &sealed).unwrap_err(), SecretError::Refused);
    let channel = ChannelId::from(Uuid::from_u128(1));
    assert_eq!(vault.open(user, Purpose::ChannelToken(channel), &sealed).unwrap_err(), SecretError::Refused, "another column");
}

#[test]
fn bytes_that_are_no_text_are_sealed_too() {
    let vault = vault("k1", 7);
    let purpose = Purpose::idempotency_answer("user 1", "key");
    let sealed = vault.seal_bytes(organization(1), purpose, &[0, 159, 146, 150]).unwrap();
    assert_eq!(vault.open_bytes(organization(1), purpose, &sealed).unwrap().expose_secret(), [0, 159, 146, 150]);
    assert_eq!(vault.open(organization(1), purpose, &sealed).unwrap_err(), SecretError::Refused);
    // The boundary between actor and key counts.
    let shifted = Purpose::idempotency_answer("user 1k", "ey");
    assert_eq!(vault.open_bytes(organization(1), shifted, &sealed).unwrap_err(), SecretError::Refused);
}

#[test]
fn two_keys_with_one_id_are_refused() {
    let key: SecretString = STANDARD.encode([7; 32]).into();
    assert_eq!(vault("k1", 8).with_earlier_key("k1", &key).unwrap_err(), SecretError::KeyIdTwice("k1".into()));
}

#[test]
fn bad_settings_are_refused_and_nothing_is_printed() {
    let short: SecretString = STANDARD.encode([1; 31]).into();
    assert_eq!(Vault::new("k1", &short).unwrap_err(), SecretError::BadMasterKey);
    assert_eq!(Vault::new("k1", &"no base64!".into()).unwrap_err(), SecretError::BadMasterKey);
    assert_eq!(Vault::new("", &STANDARD.encode([1; 32]).into()).unwrap_err(), SecretError::BadKeyId);
    assert_eq!(format!("{:?}", vault("k1", 7)), r#"["k1"]"#);
}
