//! Walks the chains again and finds the first entry of each that does not fit.

use std::fmt;

use db::{Db, DbError};
use kernel::OrganizationId;

use super::{
    anchor::Anchors,
    chain::Link,
    store::{self, Part, Stored},
};

/// Entries held in memory at a time.
const BATCH: i64 = 1_000;

/// Something that cannot be, unless somebody wrote to the tables past the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose chain.
    pub organization: OrganizationId,
    /// The first entry that does not fit.
    pub seq: i64,
    /// In which way.
    pub kind: FaultKind,
}

/// How an entry does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Its text or hash is not what was recorded.
    Changed,
    /// The entry that belongs here stands elsewhere.
    Reordered,
    /// It is gone; later ones are there.
    Deleted,
    /// It is gone, and with it all later ones that the head or an anchor knows of.
    CutOff,
    /// The head of the chain is missing, or is not the last entry.
    BadHead,
    /// The chain is whole, but is not the one that was anchored: this entry or an earlier one was written anew, with all that followed.
    Rewritten,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { organization, seq, kind } = self;
        let what = match kind {
            FaultKind::Changed => "was changed",
            FaultKind::Reordered => "stands elsewhere in the log: entries were reordered",
            FaultKind::Deleted => "was deleted",
            FaultKind::CutOff => "was deleted together with all after it",
            FaultKind::BadHead => "is the last one, but the head of the chain is missing or says otherwise",
            FaultKind::Rewritten => "is not the one that was anchored: it or an earlier one was rewritten with all that followed",
        };
        write!(f, "organization {organization}: entry {seq} {what}")
    }
}

/// What was looked at and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Chains walked.
    pub chains: u64,
    /// Entries whose hash was computed again.
    pub entries: u64,
    /// The first fault of each chain that has one.
    pub faults: Vec<Fault>,
}

/// Walks the chain of `only`, or every chain, and compares them with `anchors` too. Safe while entries are being written.
pub async fn verify(db: &Db, only: Option<OrganizationId>, anchors: &Anchors) -> Result<Report, DbError> {
    let mut report = Report::default();
    if let Some(organization) = only {
        walk(db, organization, anchors, &mut report).await?;
        return Ok(report);
    }
    // Chains of which only an anchor is left are walked like the others: nothing is found, and that is the fault.
    let mut anchored = anchors.organizations();
    let mut after = None;
    while let Some(organization) = next_chain(db, after).await? {
        walk(db, organization, anchors, &mut report).await?;
        anchored.remove(&organization);
        after = Some(organization);
    }
    for organization in anchored {
        walk(db, organization, anchors, &mut report).await?;
    }
    Ok(report)
}

async fn next_chain(db: &Db, after: Option<OrganizationId>) -> Result<Option<OrganizationId>, DbError> {
    let mut tx = db.system("verify the audit log").await?;
    let next = store::next_chain(&mut tx, after).await?;
    tx.rollback().await?;
    Ok(next)
}

async fn walk(db: &Db, organization: OrganizationId, anchors: &Anchors, report: &mut Report) -> Result<(), DbError> {
    report.chains += 1;
    let mut last = Link::beginning(organization);
    loop {
        let mut tx = db.system("verify the audit log").await?;
        let part = store::part(&mut tx, organization, last.seq, BATCH).await?;
        tx.rollback().await?;
        let found = match follow(organization, last, &part.entries, anchors) {
            Ok(link) => {
                report.entries += link.seq.abs_diff(last.seq);
                last = link;
                // The end is known only by a look that saw head and entries in one snapshot and had room for more of them.
                if part.entries.len() == usize::try_from(BATCH).unwrap_or(usize::MAX) {
                    continue;
                }
                fault_at_end(organization, last, &part, anchors)
            }
            Err(fault) => Some(fault),
        };
        report.faults.extend(found);
        return Ok(());
    }
}

/// The link that `entries` lead to from `last`.
fn follow(organization: OrganizationId, mut last: Link, entries: &[Stored], anchors: &Anchors) -> Result<Link, Fault> {
    for entry in entries {
        let fault = |kind| Fault { organization, seq: last.seq + 1, kind };
        if entry.seq != last.seq + 1 {
            let moved = stands_elsewhere(organization, last, entries);
            return Err(fault(if moved { FaultKind::Reordered } else { FaultKind::Deleted }));
        }
        let link = last.then(&entry.canonical(organization));
        if link.hash.as_bytes() != entry.hash {
            let moved = stands_elsewhere(organization, last, entries);
            return Err(fault(if moved { FaultKind::Reordered } else { FaultKind::Changed }));
        }
        if !anchors.agree(organization, link) {
            return Err(fault(FaultKind::Rewritten));
        }
        last = link;
    }
    Ok(last)
}

/// Whether one of `entries` is what followed `last` before its number was changed.
fn stands_elsewhere(organization: OrganizationId, last: Link, entries: &[Stored]) -> bool {
    let seq = last.seq + 1;
    entries.iter().filter(|entry| entry.seq != seq).any(|entry| {
        let mut canonical = entry.canonical(organization);
        canonical.seq = seq;
        last.then(&canonical).hash.as_bytes() == entry.hash
    })
}

fn fault_at_end(organization: OrganizationId, last: Link, part: &Part, anchors: &Anchors) -> Option<Fault> {
    let cut = Fault { organization, seq: last.seq + 1, kind: FaultKind::CutOff };
    let bad_head = Fault { organization, seq: last.seq, kind: FaultKind::BadHead };
    if anchors.beyond(organization, last.seq).is_some() {
        return Some(cut);
    }
    match &part.head {
        Some((seq, _)) if *seq > last.seq => Some(cut),
        Some((seq, hash)) => (*seq != last.seq || last.hash.as_bytes() != hash).then_some(bad_head),
        None => (last.seq > 0).then_some(bad_head),
    }
}
