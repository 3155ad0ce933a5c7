//! Slows down whoever guesses passwords, without letting anybody lock others out.
//!
//! Sign-ins are counted for an account and a network together, and for an account over all networks. An attempt is counted before its
//! password is looked at and taken back when it was right, so that many at once are no more than many in turn. From networks in which
//! the account signed in lately, what others do elsewhere counts for nothing.
//!
//! Keys are keyed hashes: the table tells nothing about addresses, and unknown ones are counted like known ones.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, IdentityTx};
use kernel::UserId;
use secrecy::SecretString;

use super::{derive, device::Device, error::IdentityError};

pub(super) use store::purge;

/// Failures of an account in one network after which the next attempt has to wait.
const FREE_IN_NETWORK: i32 = 5;
/// Failures of an account over all networks after which attempts from unknown networks have to wait.
const FREE_OVER_ALL: i32 = 20;
/// Longest wait.
const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(60);
/// Failures older than this are forgotten.
pub(super) const REMEMBERED: TimeDelta = TimeDelta::days(1);
/// A network in which an account had a login within this time is one of its own.
const OWN_NETWORK: TimeDelta = TimeDelta::days(30);
/// Failures of one network, whatever the accounts, at each multiple of which somebody should look.
const SPRAY: i32 = 50;

/// Makes the keys of the counters.
#[derive(Clone)]
pub(super) struct Guard([u8; 32]);

/// Whose password is tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    Account(UserId),
    /// Nobody's: the name that was given.
    Name(&'a str),
}

/// The counters of one attempt.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// The account in this network.
    pair: Vec<u8>,
    /// The account over all networks.
    account: Vec<u8>,
    /// The network, over all accounts.
    network: Vec<u8>,
}

/// A counter as it stands.
#[derive(Clone, Copy, Debug)]
struct Count {
    failures: i32,
    last_failed_at: DateTime<Utc>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard(…)")
    }
}

impl Guard {
    pub(super) fn new(jwt_secret: &SecretString) -> Self {
        Self(derive::key(jwt_secret, "failed sign-ins"))
    }

    /// Counts an attempt that has not failed yet, or says how long to wait. Call it before anything that costs work;
    /// then either [`succeeded`], or [`give_back`] when nothing was tried after all, or nothing when it failed.
    pub(super) async fn admit(
        &self,
        tx: &mut IdentityTx,
        now: DateTime<Utc>,
        subject: Subject<'_>,
        device: &Device,
    ) -> Result<Attempt, IdentityError> {
        let network = device.network();
        let attempt = self.attempt(subject, network.as_deref());
        let user = match subject {
            Subject::Account(user) => Some(user),
            Subject::Name(_) => None,
        };
        // Asked for unknown names too: the answer takes as long.
        let own_network = store::is_own_network(tx, user, network.as_deref(), now - OWN_NETWORK).await?;
        let counts = store::lock(tx, now, &attempt.keys()).await?;
        let wait = |key: &Vec<u8>, free| counts.get(key).map_or(TimeDelta::zero(), |count| count.wait(now, free));
        let elsewhere = if own_network { TimeDelta::zero() } else { wait(&attempt.account, FREE_OVER_ALL) };
        let wait = wait(&attempt.pair, FREE_IN_NETWORK).max(elsewhere);
        if wait > TimeDelta::zero() {
            metrics::counter!("logins_delayed_total").increment(1);
            return Err(IdentityError::TooManyFailures(wait));
        }
        store::count(tx, now, &attempt.keys(), now - REMEMBERED).await?;
        let tried = counts.get(&attempt.network).map_or(0, |count| count.failures_at(now)) + 1;
        if network.is_some() && tried % SPRAY == 0 {
            metrics::counter!("login_sprays_total").increment(1);
            tracing::warn!(client.network = network, failures = tried, "{tried} sign-ins from one network failed within a day");
        }
        Ok(attempt)
    }

    /// Forgets the failures of an account, in this network and over all.
    pub(super) async fn forget(&self, tx: &mut IdentityTx, subject: Subject<'_>, device: &Device) -> Result<(), DbError> {
        let attempt = self.attempt(subject, device.network().as_deref());
        let keys = [attempt.pair, attempt.account];
        store::hold(tx, &keys).await?;
        store::forget(tx, &keys).await
    }

    fn attempt(&self, subject: Subject<'_>, network: Option<&str>) -> Attempt {
        let subject = match subject {
            Subject::Account(user) => format!("account {user}"),
            Subject::Name(name) => format!("name {name}"),
        };
        let network = network.unwrap_or("none");
        let key = |text: String| derive::mac(&self.0, text.as_bytes()).to_vec();
        Attempt { pair: key(format!("{network} {subject}")), account: key(subject), network: key(format!("network {network}")) }
    }
}

/// The attempt was right: the account's failures are forgotten, here and over all networks.
pub(super) async fn succeeded(tx: &mut IdentityTx, attempt: &Attempt) -> Result<(), DbError> {
    store::hold(tx, &attempt.keys()).await?;
    store::take_back(tx, std::slice::from_ref(&attempt.network)).await?;
    store::forget(tx, &[attempt.pair.clone(), attempt.account.clone()]).await
}

/// The attempt was neither right nor wrong.
pub(super) async fn give_back(tx: &mut IdentityTx, attempt: &Attempt) -> Result<(), DbError> {
    store::hold(tx, &attempt.keys()).await?;
    store::take_back(tx, &attempt.keys()).await
}

impl Attempt {
    fn keys(&self) -> Vec<Vec<u8>> {
        vec![self.pair.clone(), self.account.clone(), self.network.clone()]
    }
}

impl Count {
    fn failures_at(self, now: DateTime<Utc>) -> i32 {
        if now - self.last_failed_at > REMEMBERED { 0 } else { self.failures }
    }

    /// How long the next attempt has to wait: not at all up to `free` failures, then 1 s, 2 s, 4 s and so on after the last one.
    fn wait(self, now: DateTime<Utc>, free: i32) -> TimeDelta {
        let Ok(beyond) = u32::try_from(self.failures_at(now) - free) else { return TimeDelta::zero() };
        let delay = TimeDelta::seconds(1_i64 << beyond.min(6)).min(LONGEST_WAIT);
        (self.last_failed_at + delay - now).max(TimeDelta::zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_900_000_000 + second, 0).unwrap()
    }

    fn wait(failures: i32, after: i64) -> i64 {
        Count { failures, last_failed_at: at(0) }.wait(at(after), FREE_IN_NETWORK).num_seconds()
    }

    #[test]
    fn the_first_failures_cost_nothing_and_the_next_ones_more_and_more() {
        let waits: Vec<i64> = [0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2_000_000_000].into_iter().map(|failures| wait(failures, 0)).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn time_passes() {
        assert_eq!((wait(7, 3), wait(7, 4), wait(7, 500)), (1, 0, 0));
        assert_eq!(wait(50, 24 * 3600 + 1), 0, "a day later nothing is left");
    }

    #[test]
    fn a_known_account_and_an_unknown_name_have_counters_of_the_same_kind() {
        let guard = Guard::new(&"a".into());
        let account = guard.attempt(Subject::Account(UserId::at(at(0))), Some("192.0.2.0/24"));
        let name = guard.attempt(Subject::Name("nobody@example.com"), Some("192.0.2.0/24"));
        assert_eq!(account.network, name.network);
        assert!(account.keys().iter().chain(&name.keys()).all(|key| key.len() == 32));
        assert_ne!(account.pair, guard.attempt(Subject::Account(UserId::at(at(0))), Some("192.0.3.0/24")).pair);
        assert_ne!(account.account, Guard::new(&"b".into()).attempt(Subject::Account(UserId::at(at(0))), None).account);
    }
}
