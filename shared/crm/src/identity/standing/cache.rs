//! What this process remembers of logins and keys, so that not every request asks the database whether they still stand.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use super::STANDING_TTL;

/// Entries above which old ones are cleared out.
const MANY: usize = 10_000;

/// Remembers a `V` for each `K`, for [`STANDING_TTL`] from the moment at which looking it up began.
#[derive(Clone, Debug)]
pub(in crate::identity) struct Standings<K, V>(Arc<Mutex<Known<K, V>>>);

#[derive(Debug)]
struct Known<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Counts what was forgotten: a look that began before may have read what does not hold any more.
    forgotten: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    read_at: DateTime<Utc>,
}

/// A look into the database that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    began_at: DateTime<Utc>,
    forgotten: u64,
}

impl<K: Hash + Eq, V: Clone> Standings<K, V> {
    /// What is known and fresh; otherwise a look is to begin.
    pub(super) fn known(&self, key: &K, now: DateTime<Utc>) -> Result<V, Look> {
        let known = self.lock();
        match known.entries.get(key) {
            Some(entry) if now - entry.read_at < STANDING_TTL => Ok(entry.value.clone()),
            _ => Err(Look { began_at: now, forgotten: known.forgotten }),
        }
    }

    /// Remembers what a look found, unless something was forgotten since it began.
    pub(super) fn learn(&self, key: K, look: Look, value: V) {
        let mut known = self.lock();
        if known.forgotten != look.forgotten {
            return;
        }
        if known.entries.len() >= MANY {
            known.entries.retain(|_, entry| look.began_at - entry.read_at < STANDING_TTL);
        }
        known.entries.insert(key, Entry { value, read_at: look.began_at });
    }

    pub(in crate::identity) fn forget(&self, key: &K) {
        let mut known = self.lock();
        known.forgotten += 1;
        known.entries.remove(key);
    }

    /// Forgets all that `concerned` says yes to.
    pub(in crate::identity) fn forget_all(&self, concerned: impl Fn(&V) -> bool) {
        let mut known = self.lock();
        known.forgotten += 1;
        known.entries.retain(|_, entry| !concerned(&entry.value));
    }

    fn lock(&self) -> MutexGuard<'_, Known<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Standings<K, V> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Known { entries: HashMap::new(), forgotten: 0 })))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_900_000_000, 0).unwrap()
    }

    #[test]
    fn what_was_read_holds_for_five_seconds() {
        let standings = Standings::<u8, &str>::default();
        let look = standings.known(&1, start()).unwrap_err();
        standings.learn(1, look, "agent");
        assert_eq!(standings.known(&1, start() + TimeDelta::milliseconds(4_999)), Ok("agent"));
        // Also a second time: a request that was given up does not lengthen it.
        assert!(standings.known(&1, start() + STANDING_TTL).is_err());
        assert!(standings.known(&1, start() + STANDING_TTL).is_err());
        standings.forget(&1);
        assert!(standings.known(&1, start()).is_err());
    }

    #[test]
    fn a_look_that_began_before_a_change_is_not_remembered() {
        let standings = Standings::<u8, &str>::default();
        let look = standings.known(&1, start()).unwrap_err();
        standings.forget_all(|role| *role == "agent");
        standings.learn(1, look, "agent");
        assert!(standings.known(&1, start()).is_err());
    }

    #[test]
    fn only_those_concerned_are_forgotten() {
        let standings = Standings::<u8, &str>::default();
        for (key, role) in [(1, "agent"), (2, "viewer")] {
            let look = standings.known(&key, start()).unwrap_err();
            standings.learn(key, look, role);
        }
        standings.forget_all(|role| *role == "agent");
        assert!(standings.known(&1, start()).is_err());
        assert_eq!(standings.known(&2, start()), Ok("viewer"));
    }
}
