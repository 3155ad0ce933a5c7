//! Compares the two ledgers. Pure: what it finds depends on the evidence only.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use super::evidence::{Evidence, Executed, MessageRow};

const PLANNED: i16 = 0;
const HELD: i16 = 1;
const CLAIMED: i16 = 2;
const UNKNOWN: i16 = 3;
const UNCONFIRMED: i16 = 4;
const FAILED: i16 = 7;
const SKIPPED: i16 = 20;
/// Accepted, sent, delivered, read.
const ACCEPTED_OR_BETTER: [i16; 4] = [5, 6, 8, 9];
/// Examples shown of each kind of deviation.
const EXAMPLES: usize = 3;

/// What a run is allowed to leave behind.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most messages whose outcome stays unknown for good.
    pub unconfirmed: usize,
    /// States in which the campaign may be.
    pub ends: &'static [&'static str],
}

impl Default for Bounds {
    /// Ended by itself, with nobody unconfirmed.
    fn default() -> Self {
        Self { unconfirmed: 0, ends: &["completed", "completedWithErrors"] }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// People frozen into the campaign.
    pub audience: usize,
    /// Sends in the provider's ledger.
    pub executed: usize,
    /// Rows in each state.
    pub states: BTreeMap<i16, usize>,
    /// Errors in the logs that belong to faults of the run.
    pub expected_errors: usize,
    /// Everything that is wrong.
    pub problems: Vec<String>,
}

impl Report {
    /// Panics with the whole report unless nothing is wrong.
    pub fn assert_clean(&self) {
        assert!(self.problems.is_empty(), "{self}");
    }

    fn note<T: fmt::Display>(&mut self, what: &str, places: impl IntoIterator<Item = T>) {
        let places: Vec<T> = places.into_iter().collect();
        if !places.is_empty() {
            let examples: Vec<String> = places.iter().take(EXAMPLES).map(ToString::to_string).collect();
            self.problems.push(format!("{} {what}: {}", places.len(), examples.join(", ")));
        }
    }

    fn demand(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(otherwise());
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "audience {}, executed {}, rows by state {:?}", self.audience, self.executed, self.states)?;
        if self.expected_errors > 0 {
            write!(f, ", {} errors of lost connections in the logs", self.expected_errors)?;
        }
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

/// Finds everything that contradicts the promise.
pub fn check(evidence: &Evidence, bounds: &Bounds) -> Report {
    let mut report = Report { audience: evidence.rows.len(), executed: evidence.executed.len(), ..Report::default() };
    for row in evidence.rows.values() {
        *report.states.entry(row.state).or_default() += 1;
    }
    nobody_twice(evidence, &mut report);
    nobody_forgotten(evidence, bounds, &mut report);
    both_agree(evidence, &mut report);
    statuses_are_folded(evidence, &mut report);
    figures_add_up(evidence, &mut report);
    installation_is_well(evidence, &mut report);
    report
}

fn nobody_twice(evidence: &Evidence, report: &mut Report) {
    let (mut places, mut people) = (HashMap::new(), HashMap::new());
    for executed in &evidence.executed {
        *places.entry(executed.attempt.seq).or_insert(0) += 1;
        *people.entry(executed.to.as_str()).or_insert(0) += 1;
    }
    report.note(
        "places sent to more than once",
        places.into_iter().filter(|(_, times)| *times > 1).map(|(seq, times)| format!("{seq} ({times} times)")),
    );
    report.note(
        "people sent to more than once",
        people.into_iter().filter(|(_, times)| *times > 1).map(|(to, times)| format!("{to} ({times} times)")),
    );
    report.note("rows suspected to be duplicates", evidence.rows.iter().filter(|(_, row)| row.duplicate_suspected).map(|(seq, _)| seq));
}

fn nobody_forgotten(evidence: &Evidence, bounds: &Bounds, report: &mut Report) {
    let frozen: BTreeSet<&str> = evidence.rows.values().filter_map(|row| row.address.as_deref()).collect();
    let wanted: BTreeSet<&str> = evidence.campaign.numbers.iter().map(String::as_str).collect();
    report.note("people were not frozen into the campaign", wanted.difference(&frozen));
    report.note("people were frozen who do not belong to it", frozen.difference(&wanted));
    let open = evidence.rows.iter().filter(|(_, row)| [PLANNED, HELD, CLAIMED, UNKNOWN].contains(&row.state));
    report.note("rows without an outcome", open.map(|(seq, row)| format!("{seq} (state {})", row.state)));
    report.demand(bounds.ends.contains(&evidence.state.as_str()), || format!("the campaign is {}", evidence.state));
    report.demand(evidence.due == 0, || format!("{} rows are still due", evidence.due));
    let unconfirmed = evidence.count(&[UNCONFIRMED]);
    report
        .demand(unconfirmed <= bounds.unconfirmed, || format!("{unconfirmed} rows are unconfirmed, at most {} may be", bounds.unconfirmed));
}

fn both_agree(evidence: &Evidence, report: &mut Report) {
    let foreign = evidence.executed.iter().filter(|executed| executed.phone_number_id != evidence.phone_number_id);
    report.note("sends from a number that is not the campaign's", foreign.map(|executed| &executed.wamid));
    let mut unexpected = Vec::new();
    for executed in &evidence.executed {
        let place = executed.attempt.seq;
        match evidence.rows.get(&place) {
            None => unexpected.push(format!("{place} (no such place)")),
            Some(row) if row.address.as_deref() != Some(executed.to.as_str()) => unexpected.push(format!("{place} (another person)")),
            Some(row) => unexpected.extend(contradiction(evidence, executed, row).map(|what| format!("{place} ({what})"))),
        }
    }
    report.note("sends that the database contradicts", unexpected);
    let executed = evidence.executed_places();
    let claimed = evidence.rows.iter().filter(|(seq, row)| ACCEPTED_OR_BETTER.contains(&row.state) && !executed.contains(seq));
    report.note("rows called accepted that were never executed", claimed.map(|(seq, _)| seq));
}

/// What the row of an executed send must not say.
fn contradiction(evidence: &Evidence, executed: &Executed, row: &MessageRow) -> Option<String> {
    let status = evidence.acknowledged.get(&executed.attempt).copied();
    let is_current = row.attempt_no == executed.attempt.attempt_no && row.nonce == Some(executed.attempt.nonce);
    match row.state {
        state if ACCEPTED_OR_BETTER.contains(&state) || state == FAILED => {
            if !is_current {
                return Some(format!("attempt {} was sent, attempt {} is current", executed.attempt.attempt_no, row.attempt_no));
            }
            if row.provider_id.as_ref().is_some_and(|id| *id != executed.wamid) {
                return Some("another id of the provider".into());
            }
            (state == FAILED && status != Some(FAILED)).then(|| "failed without a status that says so".into())
        }
        UNCONFIRMED => status.map(|status| format!("unconfirmed, although status {status} was taken")),
        state => Some(format!("state {state}")),
    }
}

fn statuses_are_folded(evidence: &Evidence, report: &mut Report) {
    let lower = evidence.acknowledged.iter().filter(|(attempt, _)| attempt.id == evidence.campaign.id).filter_map(|(attempt, status)| {
        let row = evidence.rows.get(&attempt.seq)?;
        (row.state < *status || row.state >= SKIPPED).then(|| format!("{} (state {}, status {status})", attempt.seq, row.state))
    });
    report.note("rows below a status that was taken", lower);
    report.demand(evidence.unapplied == 0, || format!("{} webhook bodies were not applied", evidence.unapplied));
}

fn figures_add_up(evidence: &Evidence, report: &mut Report) {
    let recount: BTreeMap<i16, i64> =
        report.states.iter().map(|(state, rows)| (*state, i64::try_from(*rows).unwrap_or(i64::MAX))).collect();
    report.demand(recount == evidence.counters, || format!("the counters are {:?}, the recount {recount:?}", evidence.counters));
    let of = |states: &[i16]| states.iter().filter_map(|state| recount.get(state)).sum::<i64>();
    let shown = [
        ("planned", of(&[PLANNED])),
        ("held", of(&[HELD])),
        ("inFlight", of(&[CLAIMED])),
        ("acceptedOrBetter", of(&ACCEPTED_OR_BETTER)),
        ("failed", of(&[FAILED])),
        ("unknown", of(&[UNKNOWN])),
        ("unconfirmed", of(&[UNCONFIRMED])),
        ("skipped", of(&[SKIPPED])),
        ("cancelled", of(&[21])),
        ("expired", of(&[22])),
    ];
    let figure = |name: &str| evidence.analytics[name].as_i64().unwrap_or(-1);
    let different = shown.iter().filter(|(name, rows)| figure(name) != *rows);
    report.note(
        "figures of the API differ from the ledger",
        different.map(|(name, rows)| format!("{name} {} instead of {rows}", figure(name))),
    );
    let sum: i64 = shown.iter().map(|(name, _)| figure(name)).sum();
    let audience = figure("audience");
    report.demand(sum == audience, || format!("the figures of the API add up to {sum}, the audience is {audience}"));
    let wanted = i64::try_from(evidence.campaign.numbers.len()).unwrap_or(i64::MAX);
    report.demand(audience == wanted, || format!("the audience is {audience}, {wanted} people were chosen"));
}

fn installation_is_well(evidence: &Evidence, report: &mut Report) {
    report.note("jobs left behind", &evidence.jobs);
    report.note("programs ended", &evidence.ended);
    let unexpected = evidence.logs.unexpected();
    report.expected_errors = evidence.logs.errors.len() + evidence.logs.panics.len() - unexpected.len();
    report.note("errors in the logs", unexpected);
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::{AttemptId, attempt::AttemptKind};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::chaos::{Campaign, LogFindings};

    const CAMPAIGN: Uuid = Uuid::from_u128(7);

    fn attempt(seq: i32) -> AttemptId {
        AttemptId { kind: AttemptKind::Campaign, id: CAMPAIGN, seq, attempt_no: 1, nonce: 42 }
    }

    fn phone(seq: i32) -> String {
        format!("+1201555000{seq}")
    }

    fn executed(seq: i32) -> Executed {
        Executed {
            attempt: attempt(seq),
            to: phone(seq),
            phone_number_id: "1".into(),
            wamid: format!("w{seq}"),
            time: DateTime::UNIX_EPOCH,
        }
    }

    /// Two people, delivered to.
    fn healthy() -> Evidence {
        let row = |seq| MessageRow {
            state: 8,
            attempt_no: 1,
            nonce: Some(42),
            address: Some(phone(seq)),
            provider_id: Some(format!("w{seq}")),
            duplicate_suspected: false,
        };
        Evidence {
            campaign: Campaign { id: CAMPAIGN, numbers: BTreeSet::from([phone(1), phone(2)]) },
            phone_number_id: "1".into(),
            state: "completed".into(),
            executed: vec![executed(1), executed(2)],
            rows: BTreeMap::from([(1, row(1)), (2, row(2))]),
            acknowledged: HashMap::from([(attempt(1), 8), (attempt(2), 6)]),
            counters: BTreeMap::from([(8, 2)]),
            analytics: figures(&[("acceptedOrBetter", 2)]),
            due: 0,
            jobs: Vec::new(),
            unapplied: 0,
            logs: LogFindings::default(),
            ended: Vec::new(),
        }
    }

    fn figures(wanted: &[(&str, i64)]) -> serde_json::Value {
        let mut figures = json!({
            "audience": 2, "planned": 0, "held": 0, "inFlight": 0, "acceptedOrBetter": 0, "failed": 0,
            "unknown": 0, "unconfirmed": 0, "skipped": 0, "cancelled": 0, "expired": 0,
        });
        for (name, value) in wanted {
            figures[*name] = json!(value);
        }
        figures
    }

    /// Puts one row into another state, with counters and figures to match.
    fn with_state(state: i16, figure: &str) -> Evidence {
        let mut evidence = healthy();
        evidence.rows.get_mut(&2).expect("a row").state = state;
        evidence.counters = BTreeMap::from([(8, 1), (state, 1)]);
        evidence.analytics = figures(&[("acceptedOrBetter", 1), (figure, 1)]);
        evidence
    }

    #[test]
    fn a_healthy_campaign_is_clean() {
        check(&healthy(), &Bounds::default()).assert_clean();
    }

    #[test]
    fn every_planted_fault_is_found() {
        type Fault = (&'static str, fn(&mut Evidence));
        let faults: [Fault; 13] = [
            ("places sent to more than once", |e| e.executed.push(executed(1))),
            ("people sent to more than once", |e| e.executed.push(Executed { attempt: attempt(2), ..executed(1) })),
            ("suspected", |e| e.rows.get_mut(&1).expect("a row").duplicate_suspected = true),
            ("not frozen", |e| drop(e.rows.remove(&1))),
            ("never executed", |e| drop(e.executed.pop())),
            ("another id", |e| e.executed[0].wamid = "w9".into()),
            ("is current", |e| e.executed[0].attempt.attempt_no = 2),
            ("below a status", |e| e.acknowledged.extend([(attempt(1), 9)])),
            ("the counters are", |e| e.counters.extend([(8, 3)])),
            ("figures of the API", |e| e.analytics = figures(&[("acceptedOrBetter", 1), ("planned", 1)])),
            ("the campaign is running", |e| e.state = "running".into()),
            ("jobs left behind", |e| e.jobs.push("campaigns.prepare is dead".into())),
            ("number that is not", |e| e.executed[0].phone_number_id = "2".into()),
        ];
        for (found, plant) in faults {
            let mut evidence = healthy();
            plant(&mut evidence);
            let report = check(&evidence, &Bounds::default());
            assert!(report.problems.iter().any(|problem| problem.contains(found)), "`{found}` is not in {report}");
        }
    }

    #[test]
    fn an_executed_send_is_not_planned_nor_silently_failed() {
        for (state, figure) in [(0, "planned"), (2, "inFlight"), (3, "unknown"), (7, "failed"), (20, "skipped"), (21, "cancelled")] {
            let report = check(&with_state(state, figure), &Bounds::default());
            assert!(report.problems.iter().any(|problem| problem.contains("contradicts")), "state {state}: {report}");
        }
    }

    #[test]
    fn unconfirmed_is_allowed_up_to_the_bound_and_without_a_status() {
        let bounds = Bounds { unconfirmed: 1, ..Bounds::default() };
        let mut evidence = with_state(4, "unconfirmed");
        assert!(!check(&evidence, &bounds).problems.is_empty(), "a status was taken");
        evidence.acknowledged.remove(&attempt(2));
        check(&evidence, &bounds).assert_clean();
        assert!(!check(&evidence, &Bounds::default()).problems.is_empty());
    }
}
