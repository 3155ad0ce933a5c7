//! Heads of chains in the logs: outside the database, where whoever owns it cannot change them.

use std::{collections::BTreeSet, fmt};

use kernel::OrganizationId;

use super::chain::{Link, LinkHash};

/// What every line with a head says first.
const SIGN: &str = "audit anchor ";

/// The head of a chain as it stood once. Its text is the message of the log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// Whose chain.
    pub organization: OrganizationId,
    /// Its newest link.
    pub link: Link,
}

impl fmt::Display for Anchored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { organization, link } = self;
        write!(f, "{SIGN}{organization} {} {}", link.seq, link.hash)
    }
}

impl Anchored {
    /// Reads the head in a line of a log, whatever stands around it; none when the line has none.
    pub fn in_line(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once(SIGN)?;
        let mut words = rest.split([' ', '"', '\\']);
        let organization = words.next()?.parse().ok()?;
        let seq = words.next()?.parse().ok()?;
        let hash = words.next()?.trim().parse().ok()?;
        Some(Self { organization, link: Link { seq, hash } })
    }
}

/// Heads that were read back from logs. One that stayed the same for hours is kept once.
#[derive(Clone, Debug, Default)]
pub struct Anchors(BTreeSet<(OrganizationId, i64, [u8; 32])>);

impl Anchors {
    /// Adds a head.
    pub fn add(&mut self, anchored: Anchored) {
        self.0.insert((anchored.organization, anchored.link.seq, anchored.link.hash.bytes()));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no anchor says otherwise about `link`.
    pub(super) fn agree(&self, organization: OrganizationId, link: Link) -> bool {
        self.0
            .range((organization, link.seq, [0; 32])..=(organization, link.seq, [255; 32]))
            .all(|(_, _, hash)| LinkHash::new(*hash) == link.hash)
    }

    /// The first entry behind `seq` of which an anchor knows.
    pub(super) fn beyond(&self, organization: OrganizationId, seq: i64) -> Option<i64> {
        let rest = (organization, seq.saturating_add(1), [0; 32])..=(organization, i64::MAX, [255; 32]);
        self.0.range(rest).next().map(|(_, seq, _)| *seq)
    }

    /// Every organization of which an anchor knows.
    pub(super) fn organizations(&self) -> BTreeSet<OrganizationId> {
        self.0.iter().map(|(organization, _, _)| *organization).collect()
    }
}
