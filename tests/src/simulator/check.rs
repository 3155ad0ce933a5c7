//! Questions to a ledger: how fast was sent, and what was sent twice.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::AttemptId;
use uuid::Uuid;

use super::ledger::LedgerEntry;

/// A message that was executed more than once: what it is, and all its entries.
pub type Duplicate<'a, K> = (K, Vec<&'a LedgerEntry>);

/// Most sends of any one number in any sliding window of this length.
pub fn most_within(entries: &[LedgerEntry], window: TimeDelta) -> usize {
    let mut times: HashMap<&str, Vec<DateTime<Utc>>> = HashMap::new();
    for entry in entries {
        times.entry(&entry.phone_number_id).or_default().push(entry.time);
    }
    times.into_values().map(|times| densest(times, window)).max().unwrap_or_default()
}

/// Most sends of any one number in any sliding second.
pub fn most_in_a_second(entries: &[LedgerEntry]) -> usize {
    most_within(entries, TimeDelta::seconds(1))
}

fn densest(mut times: Vec<DateTime<Utc>>, window: TimeDelta) -> usize {
    times.sort_unstable();
    let mut first = 0;
    let mut most = 0;
    for (last, time) in times.iter().enumerate() {
        while *time - times[first] >= window {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// People who got more than one message.
pub fn sent_twice_to(entries: &[LedgerEntry]) -> Vec<Duplicate<'_, &str>> {
    repeated(entries, |entry| Some(entry.to.as_str()))
}

/// Rows of campaigns (campaign and place in it), and single messages (place 0), that were executed more than once, whatever the attempt.
///
/// Entries whose opaque data is no attempt id are left out; see [`without_attempt`].
pub fn executed_twice(entries: &[LedgerEntry]) -> Vec<Duplicate<'_, (Uuid, i32)>> {
    repeated(entries, |entry| {
        let attempt = AttemptId::decode(entry.opaque_data.as_deref()?)?;
        Some((attempt.id, attempt.seq))
    })
}

/// Entries whose opaque data names no attempt.
pub fn without_attempt(entries: &[LedgerEntry]) -> Vec<&LedgerEntry> {
    entries.iter().filter(|entry| entry.opaque_data.as_deref().and_then(AttemptId::decode).is_none()).collect()
}

fn repeated<'a, K: Eq + std::hash::Hash>(entries: &'a [LedgerEntry], key: impl Fn(&'a LedgerEntry) -> Option<K>) -> Vec<Duplicate<'a, K>> {
    let mut groups: HashMap<K, Vec<&LedgerEntry>> = HashMap::with_capacity(entries.len());
    for entry in entries {
        if let Some(key) = key(entry) {
            groups.entry(key).or_default().push(entry);
        }
    }
    groups.into_iter().filter(|(_, entries)| entries.len() > 1).collect()
}
