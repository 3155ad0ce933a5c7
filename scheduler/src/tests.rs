//! Ticks and leadership on a real database.

use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use queue::{Purge, testing::waiting};

use crate::{
    cron::{CatchUp, Entry},
    leader::Candidate,
    ticks::{Look, look},
};

fn entry(expression: &str, catch_up: CatchUp) -> Entry {
    // Every tick is another job: a purge that waits would swallow the next one.
    Entry::new("test", expression, catch_up, |tick| Tick { tick }).expect("an expression")
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Tick {
    tick: DateTime<Utc>,
}

impl queue::Job for Tick {
    const KIND: &'static str = "test.tick";
    const QUEUE: queue::Queue = queue::Queue::Default;
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);
    type Context = queue::System;

    async fn run(&self, _: &queue::System) -> Result<(), queue::JobError> {
        Ok(())
    }
}

fn start() -> DateTime<Utc> {
    "2026-05-01T10:00:00.5Z".parse().expect("an instant")
}

#[tokio::test]
async fn two_schedulers_fire_each_of_200_ticks_once() {
    let database = TestDatabase::create().await;
    let (one, other) = (database.db(), database.db());
    let entry = entry("* * * * * *", CatchUp::Last);
    assert_eq!(look(&one, &entry, start()).await.expect("looks"), Look::NotDue);
    let mut fired = 0;
    for second in 1..=200 {
        let now = start() + TimeDelta::seconds(second);
        let (first, second) = tokio::join!(look(&one, &entry, now), look(&other, &entry, now));
        fired += [first, second].into_iter().filter(|look| matches!(look, Ok(Look::Fired(_)))).count();
    }
    assert_eq!(fired, 200);
    let mut jobs = waiting::<Tick>(&database).await;
    assert_eq!(jobs.len(), 200);
    jobs.dedup();
    assert_eq!(jobs.len(), 200, "each tick has a job of its own");
}

#[tokio::test]
async fn after_two_hours_away_only_the_last_missed_tick_fires() {
    let database = TestDatabase::create().await;
    let db = database.db();
    let entry = entry("*/10 * * * *", CatchUp::Last);
    look(&db, &entry, start()).await.expect("looks");
    let later = start() + TimeDelta::minutes(125);
    assert_eq!(look(&db, &entry, later).await.expect("looks"), Look::Fired("2026-05-01T12:00:00Z".parse().expect("an instant")));
    assert_eq!(look(&db, &entry, later).await.expect("looks"), Look::NotDue);
    assert_eq!(waiting::<Tick>(&database).await.len(), 1);
}

#[tokio::test]
async fn a_missed_tick_for_which_late_is_wrong_does_not_fire() {
    let database = TestDatabase::create().await;
    let db = database.db();
    let entry = entry("0 12 * * *", CatchUp::None);
    look(&db, &entry, start()).await.expect("looks");
    let noon = "2026-05-01T12:00:00Z".parse().expect("an instant");
    assert_eq!(look(&db, &entry, noon + TimeDelta::hours(1)).await.expect("looks"), Look::Missed(noon));
    let next = noon + TimeDelta::days(1);
    assert_eq!(look(&db, &entry, next + TimeDelta::seconds(3)).await.expect("looks"), Look::Fired(next));
    assert_eq!(waiting::<Tick>(&database).await.len(), 1);
}

#[tokio::test]
async fn an_entry_whose_times_change_begins_anew() {
    let database = TestDatabase::create().await;
    let db = database.db();
    look(&db, &entry("0 0 1 1 *", CatchUp::Last), start()).await.expect("looks");
    let changed = entry("0 9 * * *", CatchUp::Last);
    assert_eq!(look(&db, &changed, start() + TimeDelta::minutes(1)).await.expect("looks"), Look::NotDue);
}

#[tokio::test]
async fn a_tick_whose_job_waits_already_counts_as_fired() {
    let database = TestDatabase::create().await;
    let db = database.db();
    let entry = Entry::new("purge", "* * * * *", CatchUp::Last, |_| Purge { keep_days: 7 }).expect("an expression");
    for minute in 0..3 {
        look(&db, &entry, start() + TimeDelta::minutes(minute)).await.expect("looks");
    }
    assert_eq!(waiting::<Purge>(&database).await.len(), 1);
}

#[tokio::test]
async fn one_scheduler_leads_until_it_resigns() {
    let database = TestDatabase::create().await;
    let db = database.db();
    let (one, other) = (Candidate::new("test"), Candidate::new("test"));
    assert!(one.lead(&db).await.expect("answers"));
    assert!(!other.lead(&db).await.expect("answers"));
    assert!(one.lead(&db).await.expect("renews"));
    one.resign(&db).await.expect("resigns");
    assert!(other.lead(&db).await.expect("answers"));
    assert!(!one.lead(&db).await.expect("answers"));
}
