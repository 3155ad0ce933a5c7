//! The cron page: everything that happens by the calendar.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::{Cron, errors::CronError};
use db::{DbError, SystemTx};
use futures::future::BoxFuture;
use kernel::JobId;
use queue::{Enqueue, Job};
use runtime::Config;

/// What becomes of ticks that nobody was there to fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// The newest of them fires late, the others never.
    Last,
    /// None fires: the next one comes soon enough, or late is wrong.
    None,
}

/// One entry of the page.
pub struct Entry {
    /// Names its ticks in the database. Never changes.
    pub id: &'static str,
    /// When, on the clock of its zone.
    pub cron: Cron,
    /// The zone.
    pub zone: Tz,
    /// What becomes of missed ticks.
    pub catch_up: CatchUp,
    enqueue: Box<Enqueuer>,
}

type Enqueuer = dyn for<'a> Fn(&'a mut SystemTx, DateTime<Utc>) -> BoxFuture<'a, Result<Option<JobId>, DbError>> + Send + Sync;

/// The page. Installation-wide work is in UTC; what an organization schedules is in its own zone and not on this page.
pub fn page(config: &Config) -> Result<Vec<Entry>, CronError> {
    let keep_days = config.jobs.keep_days;
    let keep_mail_days = config.mail.keep_days;
    Ok(vec![
        Entry::new("audit.anchor", "42 * * * *", CatchUp::Last, |_| crm::audit::Anchor {})?,
        Entry::new("idempotency.purge", "23 * * * *", CatchUp::Last, |_| crm::idempotency::Purge {})?,
        Entry::new("identity.purge", "27 * * * *", CatchUp::Last, |_| crm::identity::jobs::Purge {})?,
        Entry::new("files.sweepOrphans", "41 */6 * * *", CatchUp::Last, |_| crm::files::jobs::SweepOrphans {})?,
        Entry::new("jobs.purge", "17 3 * * *", CatchUp::Last, move |_| queue::Purge { keep_days })?,
        Entry::new("mail.purge", "37 3 * * *", CatchUp::Last, move |_| crm::mail::jobs::Purge { keep_days: keep_mail_days })?,
        Entry::new("maintenance.partitions", "7 */6 * * *", CatchUp::Last, |_| crm::maintenance::EnsurePartitions {})?,
        Entry::new("templates.reconcile", &config.templates.reconcile, CatchUp::Last, |_| crm::templates::jobs::Reconcile {})?,
    ])
}

impl Entry {
    /// An entry in UTC, whose tick at an instant enqueues `job(instant)`.
    ///
    /// `expression` has five fields, or six with seconds in front.
    pub fn new<J: Job>(
        id: &'static str,
        expression: &str,
        catch_up: CatchUp,
        job: impl Fn(DateTime<Utc>) -> J + Send + Sync + 'static,
    ) -> Result<Self, CronError> {
        let enqueue: Box<Enqueuer> = Box::new(move |tx, tick| {
            let job = job(tick);
            Box::pin(async move { tx.enqueue(job).await })
        });
        Ok(Self { id, cron: expression.parse()?, zone: Tz::UTC, catch_up, enqueue })
    }

    /// The same entry on the clock of `zone`.
    #[must_use]
    pub fn in_zone(mut self, zone: Tz) -> Self {
        self.zone = zone;
        self
    }

    /// The first tick after `instant`; none when the expression matches no date that ever comes.
    pub fn next_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.cron.find_next_occurrence(&instant.with_timezone(&self.zone), false).ok()?;
        Some(next.with_timezone(&Utc))
    }

    /// The newest tick after `from`, up to and including `until`.
    pub fn newest_between(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let newest = self.cron.find_previous_occurrence(&until.with_timezone(&self.zone), true).ok()?.with_timezone(&Utc);
        (newest > from && newest <= until).then_some(newest)
    }

    pub(crate) async fn fire(&self, tx: &mut SystemTx, tick: DateTime<Utc>) -> Result<Option<JobId>, DbError> {
        (self.enqueue)(tx, tick).await
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {} {}", self.id, self.cron.as_str(), self.zone)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::TimeDelta;
    use chrono_tz::Europe::Berlin;

    use super::*;

    fn entry(expression: &str) -> Entry {
        Entry::new("test", expression, CatchUp::Last, |_| queue::Purge { keep_days: 7 }).expect("an expression").in_zone(Berlin)
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn the_page_can_be_read_and_names_each_entry_once() {
        let page = page(&Config::default()).expect("every expression is right");
        let ids: BTreeSet<_> = page.iter().map(|entry| entry.id).collect();
        assert_eq!(ids.len(), page.len());
        assert!(page.iter().all(|entry| entry.next_after(at("2026-01-01T00:00:00Z")).is_some()));
    }

    #[test]
    fn a_daily_tick_fires_once_when_the_clocks_change() {
        let daily = entry("30 2 * * *");
        // In spring 02:30 does not exist: the tick comes at 03:00. In autumn it exists twice: the first one counts.
        for (day, ticks) in [("2026-03-28T12:00:00Z", 1), ("2026-10-24T12:00:00Z", 1)] {
            let (from, mut instant, mut seen) = (at(day), at(day), 0);
            while let Some(next) = daily.next_after(instant).filter(|next| *next <= from + TimeDelta::hours(24)) {
                (instant, seen) = (next, seen + 1);
            }
            assert_eq!(seen, ticks, "from {day}");
        }
    }

    #[test]
    fn looking_back_finds_what_looking_forward_finds() {
        for expression in ["30 2 * * *", "0 * * * *", "*/7 * * * *", "0 9 * * MON-FRI"] {
            let entry = entry(expression);
            for start in ["2026-03-28T23:10:00Z", "2026-10-24T22:10:00Z", "2026-06-01T00:00:00Z"] {
                let from = at(start);
                let first = entry.next_after(from).expect("a tick");
                assert_eq!(entry.newest_between(from, first), Some(first), "{expression} from {start}");
                assert_eq!(entry.newest_between(from, first - TimeDelta::seconds(1)), None, "{expression} from {start}");
                assert_eq!(entry.newest_between(first, first), None, "{expression} from {start}");
            }
        }
    }

    #[test]
    fn an_impossible_date_never_comes() {
        assert_eq!(entry("0 0 30 2 *").next_after(at("2026-01-01T00:00:00Z")), None);
    }
}
