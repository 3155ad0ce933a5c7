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

use super::{
    error::IdentityError,
    password_rules::{self, OwnWords, PasswordError},
};

/// Requests that may wait for a hash while all processors work on one; those beyond are told to come back.
const MAX_WAITING: usize = 16;

/// A password that somebody chose or claims to know. Exactly as received; never printed.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// Takes a password that is being chosen, for an account that `own` words belong to. The first broken rule is told.
    pub fn choose(text: String, own: &OwnWords) -> Result<Self, PasswordError> {
        password_rules::check(&text, own)?;
        Ok(Self(text.into()))
    }

    /// Takes a password that somebody claims to know. One too long to be any account's is shortened, so that it costs no more work.
    pub fn claim(mut text: String) -> Self {
        if let Some((end, _)) = text.char_indices().nth(password_rules::MAX_LENGTH + 1) {
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
    turns: Arc<Semaphore>,
    at_once: usize,
    waiting: AtomicUsize,
    /// A hash of nobody's password: what is verified for addresses that nobody has.
    decoy: String,
}

/// Whether a password belongs to a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is another one.
    Wrong,
    /// It does.
    Right,
    /// It does, and the hash was made with other parameters than today's: store a new one.
    Outdated,
}

impl Fit {
    /// Whether the password belongs to the hash.
    pub const fn is_right(self) -> bool {
        matches!(self, Self::Right | Self::Outdated)
    }
}

impl Passwords {
    /// # Source
    /// OWASP ASVS 5.0, appendix C: argon2id with m = 47,104 KiB, t = 1, p = 1.
    pub fn new() -> Self {
        let params = Params::new(47_104, 1, 1, None).expect("parameters within argon2's limits");
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hasher.hash_password(&rand::random::<[u8; 32]>()).expect("a short input hashes").to_string();
        let at_once = std::thread::available_parallelism().map_or(2, usize::from);
        Self(Arc::new(Inner { hasher, turns: Arc::new(Semaphore::new(at_once)), at_once, waiting: AtomicUsize::new(0), decoy }))
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
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<Fit, IdentityError> {
        self.work(move |inner| {
            let known = hash.is_some();
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(&inner.decoy));
            let hash = hash.map_err(|error| IdentityError::PasswordHash(error.to_string()))?;
            let fits = inner.hasher.verify_password(password.0.expose_secret().as_bytes(), &hash).is_ok();
            Ok(match fits && known {
                false => Fit::Wrong,
                true if inner.is_of_today(&hash) => Fit::Right,
                true => Fit::Outdated,
            })
        })
        .await?
    }

    async fn work<T: Send + 'static>(&self, task: impl FnOnce(&Inner) -> T + Send + 'static) -> Result<T, IdentityError> {
        let _place = Place::take(&self.0)?;
        let turn = Arc::clone(&self.0.turns).acquire_owned().await.map_err(|_| IdentityError::Busy)?;
        let inner = Arc::clone(&self.0);
        // The turn ends with the work, also when the request went away meanwhile.
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            task(&inner)
        });
        work.await.map_err(|error| IdentityError::PasswordHash(error.to_string()))
    }
}

impl Inner {
    fn is_of_today(&self, hash: &PasswordHash) -> bool {
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        hash.algorithm == Algorithm::Argon2id.ident()
            && Params::try_from(hash).is_ok_and(|params| costs(&params) == costs(self.hasher.params()))
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// A place at work or in the queue, given back when the request is done or gone.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(inner: &'a Inner) -> Result<Self, IdentityError> {
        let place = Self(&inner.waiting);
        if inner.waiting.fetch_add(1, Ordering::Relaxed) >= inner.at_once + MAX_WAITING { Err(IdentityError::Busy) } else { Ok(place) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn chosen(text: &str) -> Password {
        Password::choose(text.into(), &OwnWords::default()).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new();
        let hash = passwords.hash(chosen("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{hash}");
        let verify = async |text: &str, hash: Option<String>| passwords.verify(Password::claim(text.into()), hash).await.unwrap();
        assert_eq!(verify("correct horse", Some(hash.clone())).await, Fit::Right);
        for other in ["correct horse ", " correct horse", "Correct horse", "correct\u{a0}horse"] {
            assert_eq!(verify(other, Some(hash.clone())).await, Fit::Wrong, "{other:?}");
        }
        assert_eq!(verify("correct horse", None).await, Fit::Wrong);
    }

    #[tokio::test]
    async fn the_same_letter_written_otherwise_is_another_password() {
        let passwords = Passwords::new();
        let hash = passwords.hash(chosen("caf\u{e9} au lait noir")).await.unwrap();
        let composed_otherwise = Password::claim("cafe\u{301} au lait noir".into());
        assert_eq!(passwords.verify(composed_otherwise, Some(hash)).await.unwrap(), Fit::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_fits_and_is_told_to_be_outdated() {
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, None).unwrap());
        let hash = old.hash_password(b"correct horse").unwrap().to_string();
        let passwords = Passwords::new();
        assert_eq!(passwords.verify(Password::claim("correct horse".into()), Some(hash.clone())).await.unwrap(), Fit::Outdated);
        assert_eq!(passwords.verify(Password::claim("wrong horse".into()), Some(hash)).await.unwrap(), Fit::Wrong);
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_to_come_back() {
        let passwords = Passwords::new();
        let room = passwords.0.at_once + MAX_WAITING;
        let all = join_all((0..room + 3).map(|_| passwords.verify(Password::claim("correct horse".into()), None))).await;
        assert_eq!(all.iter().filter(|answer| matches!(answer, Err(IdentityError::Busy))).count(), 3);
        assert_eq!(passwords.0.waiting.load(Ordering::Relaxed), 0, "every place was given back");
    }

    #[test]
    fn a_long_guess_never_becomes_a_right_one() {
        let guess = Password::claim("a".repeat(1_000_000));
        assert_eq!(guess.0.expose_secret().len(), password_rules::MAX_LENGTH + 1);
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", Password::claim("correct horse".into())).contains("horse"));
    }
}
