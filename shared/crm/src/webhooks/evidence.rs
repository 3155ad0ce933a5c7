//! What statuses say about attempts, summed up so that each attempt appears once in a batch. Pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChannelId, OrganizationId};

/// What a status says happened. The order is that of the ledger: the greater one holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Happened {
    Sent,
    Failed,
    Delivered,
    Read,
}

impl Happened {
    /// Its number among the states of the ledger.
    pub(super) const fn rank(self) -> i16 {
        match self {
            Self::Sent => 6,
            Self::Failed => 7,
            Self::Delivered => 8,
            Self::Read => 9,
        }
    }
}

/// An attempt to send a campaign's message, as a status names it, with the owner of the number it came for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::struct_field_names, reason = "the name that attempt ids and the ledger use")]
pub(super) struct Attempt {
    pub(super) organization: OrganizationId,
    pub(super) campaign: CampaignId,
    pub(super) seq: i32,
    pub(super) attempt_no: i16,
    pub(super) nonce: i64,
    pub(super) channel: ChannelId,
    pub(super) phone_number_id: String,
}

/// One status of one attempt.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) happened: Happened,
    /// The provider's instant.
    pub(super) at: DateTime<Utc>,
    pub(super) provider_id: String,
    pub(super) error_code: Option<i32>,
    pub(super) reason: Option<String>,
}

/// All that a batch says about one attempt: the greatest state, the first instant of each kind. Does not depend on order or repetition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    pub(super) rank: i16,
    pub(super) sent_at: Option<DateTime<Utc>>,
    pub(super) failed_at: Option<DateTime<Utc>>,
    pub(super) delivered_at: Option<DateTime<Utc>>,
    pub(super) read_at: Option<DateTime<Utc>>,
    pub(super) error_code: Option<i32>,
    pub(super) reason: Option<String>,
    pub(super) provider_id: Option<String>,
}

impl Evidence {
    /// Whether the message demonstrably left: `failed` alone does not say so.
    pub(super) fn is_positive(&self) -> bool {
        self.sent_at.is_some() || self.delivered_at.is_some() || self.read_at.is_some()
    }

    /// Adds a status; answers whether it said anything new.
    fn add(&mut self, status: &Status) -> bool {
        let first = match status.happened {
            Happened::Sent => &mut self.sent_at,
            Happened::Failed => &mut self.failed_at,
            Happened::Delivered => &mut self.delivered_at,
            Happened::Read => &mut self.read_at,
        };
        let earlier = first.is_none_or(|at| status.at < at);
        if earlier {
            *first = Some(status.at);
            if status.happened == Happened::Failed {
                self.error_code = status.error_code;
                self.reason.clone_from(&status.reason);
            }
        }
        let higher = status.happened.rank() > self.rank;
        self.rank = self.rank.max(status.happened.rank());
        if !status.provider_id.is_empty() && self.provider_id.is_none() {
            self.provider_id = Some(status.provider_id.clone());
        }
        earlier || higher
    }
}

/// Evidence for one attempt, and the bodies of the batch that said something new about it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) attempt: Attempt,
    pub(super) evidence: Evidence,
    pub(super) bodies: Vec<usize>,
}

/// The evidence of a batch.
#[derive(Debug, Default)]
pub(super) struct Batch(HashMap<Attempt, (Evidence, Vec<usize>)>);

impl Batch {
    /// Adds a status found in the body number `body`.
    pub(super) fn add(&mut self, body: usize, attempt: Attempt, status: &Status) {
        let (evidence, bodies) = self.0.entry(attempt).or_default();
        if evidence.add(status) && bodies.last() != Some(&body) {
            bodies.push(body);
        }
    }

    /// Everything, in the order of the ledger's keys.
    pub(super) fn into_items(self) -> Vec<Item> {
        let mut items: Vec<Item> = self.0.into_iter().map(|(attempt, (evidence, bodies))| Item { attempt, evidence, bodies }).collect();
        items.sort_unstable_by(|a, b| a.attempt.cmp(&b.attempt));
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(happened: Happened, second: i64) -> Status {
        Status {
            happened,
            at: DateTime::from_timestamp(1_800_000_000 + second, 0).expect("in range"),
            provider_id: "wamid.1".into(),
            error_code: (happened == Happened::Failed).then_some(131_049),
            reason: None,
        }
    }

    #[test]
    fn a_batch_says_the_same_in_any_order_and_with_repeats() {
        let all = [
            status(Happened::Sent, 1),
            status(Happened::Failed, 2),
            status(Happened::Delivered, 3),
            status(Happened::Read, 4),
            status(Happened::Sent, 9),
        ];
        let mut forward = Evidence::default();
        let mut backward = Evidence::default();
        for one in &all {
            forward.add(one);
        }
        for one in all.iter().rev().chain(&all) {
            backward.add(one);
        }
        assert_eq!(forward, backward);
        assert_eq!(forward.rank, Happened::Read.rank());
    }

    #[test]
    fn only_a_repeat_says_nothing_new() {
        let mut evidence = Evidence::default();
        assert!(evidence.add(&status(Happened::Delivered, 3)));
        assert!(evidence.add(&status(Happened::Sent, 1)));
        assert!(!evidence.add(&status(Happened::Sent, 1)));
    }

    #[test]
    fn a_failure_alone_does_not_prove_that_the_message_left() {
        let mut evidence = Evidence::default();
        evidence.add(&status(Happened::Failed, 1));
        assert!(!evidence.is_positive());
        evidence.add(&status(Happened::Sent, 1));
        assert!(evidence.is_positive());
    }
}
