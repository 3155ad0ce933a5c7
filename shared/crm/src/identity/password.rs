//! Passwords: argon2id, off the threads that serve requests and with a bound on how many are worked on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::error::IdentityError;

/// Fewest characters of a new password.
const MIN_LENGTH: usize = 10;
/// Most characters of a password; longer ones are refused before any work is done.
const MAX_LENGTH: usize = 128;

/// Requests that may wait for a hash; those beyond are told to come back.
const MAX_WAITING: usize = 64;

/// A password that somebody chose or claims to know. Exactly as received; never printed.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 10 characters.
    #[error("a password has at least {MIN_LENGTH} characters")]
    TooShort,
    /// More than 128 characters.
    #[error("a password has at most {MAX_LENGTH} characters")]
    TooLong,
}

impl PasswordError {
    /// Stable code of the violated rule, as it stands in problem documents.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
        }
    }
}

impl Password {
    /// Takes a password that is being chosen: 10 to 128 characters, no other rules.
    pub fn choose(text: String) -> Result<Self, PasswordError> {
        match text.chars().count() {
            0..MIN_LENGTH => Err(PasswordError::TooShort),
            MIN_LENGTH..=MAX_LENGTH => Ok(Self(text.into())),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// Takes a password that somebody claims to know. One too long to be any account's is shortened, so that it costs no more work.
    pub fn claim(mut text: String) -> Self {
        if let Some((end, _)) = text.char_indices().nth(MAX_LENGTH + 1) {
            text.truncate(end);
        }
        Self(text.into())
    }
}

/// Hashes and verifies passwords, as many at once as there are processors.
#[derive(Clone, Debug)]
pub struct Passwords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hasher: Argon2<'static>,
    turns: Semaphore,
    waiting: AtomicUsize,
    /// A hash of nobody's password: what is verified for addresses that nobody has.
    decoy: String,
}

impl Passwords {
    /// # Source
    /// OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, two passes, one lane.
    pub fn new() -> Self {
        let params = Params::new(19_456, 2, 1, None).expect("parameters within argon2's limits");
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hasher.hash_password(&rand::random::<[u8; 32]>()).expect("a short input hashes").to_string();
        let turns = std::thread::available_parallelism().map_or(2, usize::from);
        Self(Arc::new(Inner { hasher, turns: Semaphore::new(turns), waiting: AtomicUsize::new(0), decoy }))
    }

    /// The hash to store, in PHC form.
    pub async fn hash(&self, password: Password) -> Result<String, IdentityError> {
        self.work(move |inner| {
            let hash = inner.hasher.hash_password(password.0.expose_secret().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| IdentityError::PasswordHash(error.to_string()))
        })
        .await?
    }

    /// Whether `password` belongs to `hash`. Without a hash the same work is done, and the answer is no.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool, IdentityError> {
        self.work(move |inner| {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(&inner.decoy);
            let hash = PasswordHash::new(hash).map_err(|error| IdentityError::PasswordHash(error.to_string()))?;
            Ok(inner.hasher.verify_password(password.0.expose_secret().as_bytes(), &hash).is_ok() && known)
        })
        .await?
    }

    async fn work<T: Send + 'static>(&self, task: impl FnOnce(&Inner) -> T + Send + 'static) -> Result<T, IdentityError> {
        let _place = Place::take(&self.0.waiting)?;
        let _turn = self.0.turns.acquire().await.map_err(|_| IdentityError::Busy)?;
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || task(&inner)).await.map_err(|error| IdentityError::PasswordHash(error.to_string()))
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// A place in the queue, given back when the request is done or gone.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, IdentityError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING { Err(IdentityError::Busy) } else { Ok(place) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new();
        let hash = passwords.hash(Password::choose("correct horse".into()).unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(Password::claim("correct horse".into()), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(Password::claim("correct horse ".into()), Some(hash)).await.unwrap());
        assert!(!passwords.verify(Password::claim("correct horse".into()), None).await.unwrap());
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(Password::choose("ä".repeat(9)).unwrap_err(), PasswordError::TooShort);
        assert!(Password::choose("ä".repeat(10)).is_ok());
        assert!(Password::choose("ä".repeat(128)).is_ok());
        assert_eq!(Password::choose("a".repeat(129)).unwrap_err(), PasswordError::TooLong);
    }

    #[test]
    fn a_long_guess_never_becomes_a_right_one() {
        let guess = Password::claim("a".repeat(1_000_000));
        assert_eq!(guess.0.expose_secret().len(), MAX_LENGTH + 1);
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", Password::claim("correct horse".into())).contains("horse"));
    }
}
