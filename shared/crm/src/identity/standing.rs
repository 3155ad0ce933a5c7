//! What this process remembers of logins, so that not every request asks the database whether a login still stands.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::SessionId;

use super::permissions::Role;

/// A revoked login or a changed role takes effect everywhere within this time; at once in the process that did it.
pub const STANDING_TTL: TimeDelta = TimeDelta::seconds(5);

/// Entries above which old ones are cleared out.
const MANY: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Standings(Arc<Mutex<HashMap<SessionId, Entry>>>);

/// How a login stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Ended,
    Member(Role),
}

impl Standing {
    pub(super) fn role(self) -> Option<Role> {
        match self {
            Self::Ended => None,
            Self::Member(role) => Some(role),
        }
    }
}

impl From<Option<Role>> for Standing {
    fn from(role: Option<Role>) -> Self {
        role.map_or(Self::Ended, Self::Member)
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    standing: Standing,
    checked_at: DateTime<Utc>,
}

impl Standings {
    /// What is known and fresh. The first to find an entry stale is told to look; those after it go on with the old one meanwhile.
    pub(super) fn known(&self, session: SessionId, now: DateTime<Utc>) -> Option<Standing> {
        let mut entries = self.entries();
        let entry = entries.get_mut(&session)?;
        if now - entry.checked_at < STANDING_TTL {
            return Some(entry.standing);
        }
        entry.checked_at = now;
        None
    }

    pub(super) fn learn(&self, session: SessionId, now: DateTime<Utc>, standing: Standing) {
        let mut entries = self.entries();
        if entries.len() >= MANY {
            entries.retain(|_, entry| now - entry.checked_at < STANDING_TTL);
        }
        entries.insert(session, Entry { standing, checked_at: now });
    }

    pub(super) fn forget(&self, session: SessionId) {
        self.entries().remove(&session);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_entry_is_looked_up_by_one_only() {
        let start = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        let session = SessionId::at(start);
        let standings = Standings::default();
        assert_eq!(standings.known(session, start), None);
        standings.learn(session, start, Standing::Member(Role::Agent));
        assert_eq!(standings.known(session, start + TimeDelta::seconds(4)), Some(Standing::Member(Role::Agent)));
        assert_eq!(standings.known(session, start + TimeDelta::seconds(5)), None);
        assert_eq!(standings.known(session, start + TimeDelta::seconds(5)), Some(Standing::Member(Role::Agent)));
        standings.forget(session);
        assert_eq!(standings.known(session, start), None);
    }
}
