//! What the provider executed, by the simulator's own ledger.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use kernel::AttemptId;
use serde_json::Value;
use uuid::Uuid;

use super::client::Api;

/// How the provider's ledger compares with the audience.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) messages: usize,
    pub(super) missing: usize,
    pub(super) more_than_once: usize,
    pub(super) strangers: usize,
}

impl Verdict {
    pub(super) fn is_exactly_one_each(&self) -> bool {
        (self.missing, self.more_than_once, self.strangers) == (0, 0, 0)
    }
}

/// Reads every send of `campaign` and compares it with `expected` (E.164 numbers).
pub(super) async fn verify(simulator: &Api, campaign: Uuid, expected: &BTreeSet<String>) -> anyhow::Result<Verdict> {
    let mut times = BTreeMap::new();
    let mut after = None::<String>;
    loop {
        let path = match &after {
            Some(cursor) => format!("/_simulator/messages?limit=1000&after={cursor}"),
            None => "/_simulator/messages?limit=1000".to_owned(),
        };
        let page = simulator.get(&path).await?;
        let messages = page["data"].as_array().context("the simulator's answer has no data")?;
        for message in messages.iter().filter(|message| belongs_to(message, campaign)) {
            let number = message["to"].as_str().unwrap_or_default().trim_start_matches('+');
            *times.entry(format!("+{number}")).or_insert(0_u32) += 1;
        }
        let next = match &page["nextCursor"] {
            Value::String(cursor) => Some(cursor.clone()),
            Value::Number(cursor) => Some(cursor.to_string()),
            _ => None,
        };
        if messages.is_empty() || next.is_none() || next == after {
            break;
        }
        after = next;
    }
    Ok(compare(&times, expected))
}

fn belongs_to(message: &Value, campaign: Uuid) -> bool {
    message["opaqueData"].as_str().and_then(AttemptId::decode).is_some_and(|attempt| attempt.id == campaign)
}

fn compare(times: &BTreeMap<String, u32>, expected: &BTreeSet<String>) -> Verdict {
    Verdict {
        messages: times.values().map(|times| *times as usize).sum(),
        missing: expected.iter().filter(|number| !times.contains_key(*number)).count(),
        more_than_once: times.values().filter(|times| **times > 1).count(),
        strangers: times.keys().filter(|number| !expected.contains(*number)).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_deviation_is_seen() {
        let expected = BTreeSet::from(["+1".to_owned(), "+2".to_owned()]);
        let verdict = compare(&BTreeMap::from([("+1".to_owned(), 2), ("+3".to_owned(), 1)]), &expected);
        assert_eq!(verdict, Verdict { messages: 3, missing: 1, more_than_once: 1, strangers: 1 });
        assert!(!verdict.is_exactly_one_each());
        assert!(compare(&BTreeMap::from([("+1".to_owned(), 1), ("+2".to_owned(), 1)]), &expected).is_exactly_one_each());
    }
}
