//! What operators see and do, what is purged, and what stops a start.

use kernel::{Clock, JobId, OrganizationId, PageRequest, SystemClock};

use super::{Bench, Does, Probe, Step, outcomes};
use crate::{
    Enqueue, Job, Outcome, Purge, Queue, Registry, RegistryError, Resources,
    admin::{self, Change, JobFilter},
};

#[tokio::test]
async fn operators_see_and_change_only_their_own_jobs() {
    let bench = Bench::new().await;
    let dead = bench.enqueue(Probe::new(Does::Fail)).await.expect("written");
    bench.worker().drain().await;
    bench.enqueue(Probe::new(Does::Succeed)).await.expect("written");
    let request = PageRequest { limit: 1, after: None };

    let mut stranger = bench.db.tenant(OrganizationId::at(SystemClock.now())).await.expect("begins");
    assert_eq!(admin::list(&mut stranger, &JobFilter::default(), request).await.expect("lists").data.len(), 0);
    assert_eq!(admin::retry(&mut stranger, dead).await.expect("answers"), Change::NotFound);
    assert_eq!(admin::discard(&mut stranger, dead).await.expect("answers"), Change::NotFound);

    let mut tx = bench.db.tenant(bench.organization).await.expect("begins");
    let page = admin::list(&mut tx, &JobFilter::default(), request).await.expect("lists");
    assert!(page.next.is_some() && page.data[0].id != dead);
    let only_dead = JobFilter { state: Some("dead".into()), kind: Some(Probe::KIND.into()) };
    let page = admin::list(&mut tx, &only_dead, request).await.expect("lists");
    assert_eq!(page.data[0].last_error.as_deref(), Some("this can never work"));
    assert_eq!(admin::retry(&mut tx, dead).await.expect("answers"), Change::Made);
    assert_eq!(admin::discard(&mut tx, dead).await.expect("answers"), Change::Made);
    assert_eq!(admin::discard(&mut tx, dead).await.expect("answers"), Change::NotAllowed);
    tx.commit().await.expect("commits");
    assert_eq!(bench.row(dead).await.state, "discarded");
}

#[tokio::test]
async fn finished_jobs_are_purged_after_a_week_and_dead_ones_stay() {
    let bench = Bench::new().await;
    let old = bench.enqueue(Probe::new(Does::Succeed)).await.expect("written");
    let dead = bench.enqueue(Probe::new(Does::Fail)).await.expect("written");
    let worker = bench.worker();
    worker.drain().await;
    let mut owner = bench.database.owner().await;
    sqlx::query("update jobs set finished_at = now() - interval '8 days'").execute(&mut owner).await.expect("updates");
    let mut tx = bench.db.system("test").await.expect("begins");
    tx.enqueue(Purge { keep_days: 7 }).await.expect("enqueues");
    tx.commit().await.expect("commits");
    assert_eq!(outcomes(&worker.drain().await), [Outcome::Done]);
    let left: Vec<JobId> = sqlx::query_scalar("select id from jobs").fetch_all(&mut owner).await.expect("reads");
    assert!(!left.contains(&old) && left.contains(&dead));
}

#[test]
fn a_kind_registered_twice_stops_the_start() {
    let registry = Registry::default().register::<Probe>().register::<Probe>();
    assert_eq!(registry.build(&Resources::default()).expect_err("refused"), RegistryError::Twice(Probe::KIND));
}

#[test]
fn a_missing_service_stops_the_start() {
    let missing = Registry::default().register::<Step>().build(&Resources::default());
    assert!(matches!(missing, Err(RegistryError::Missing { kind: Step::KIND, .. })));
}

#[test]
fn every_queue_is_found_by_its_name() {
    for queue in Queue::ALL {
        assert_eq!(Queue::named(queue.name()), Some(queue));
        assert!(queue.share_of(1) == 1 && queue.share_of(16) <= 16);
    }
}
