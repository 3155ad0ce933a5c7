//! Finds the work that no ring announced, renews leases, rescues the jobs of lost workers, and reports how far queues are behind.

use std::time::Duration;

use db::DbError;
use queue::Queue;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::runner::{Poll, Runner};

/// How often, in the time of a lease, the jobs of lost workers are looked for, and lags are measured.
const CARE: u32 = 6;
/// Pause after a failure of the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Polls every queue each `interval` plus jitter, and at once while there is more than fits. Ends with `stop`.
pub async fn poll(runner: Runner, interval: Duration, stop: CancellationToken) {
    let mut queues = JoinSet::new();
    for queue in Queue::ALL {
        let (runner, stop) = (runner.clone(), stop.clone());
        queues.spawn(async move { poll_queue(&runner, queue, interval, &stop).await });
    }
    queues.join_all().await;
}

async fn poll_queue(runner: &Runner, queue: Queue, interval: Duration, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match runner.poll(queue).await {
            Ok(Poll::Full) => {}
            Ok(Poll::Rest) => {
                let pause = interval.mul_f64(rand::random_range(0.75..1.25));
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sleep(pause) => {}
                    () = runner.missed_ring(queue) => {}
                }
            }
            Err(error) => {
                warn("poll", &error);
                stop.run_until_cancelled(sleep(AFTER_FAILURE)).await;
            }
        }
    }
}

/// Renews the leases of running jobs, three times per lease, until `done`: also while the worker drains.
pub async fn keep_leases(runner: Runner, done: CancellationToken) {
    let period = runner.ledger().lease() / 3;
    while done.run_until_cancelled(sleep(period)).await.is_some() {
        let mut tries = 0;
        while let Err(error) = runner.renew().await {
            warn("renew leases", &error);
            tries += 1;
            if tries == 5 || done.run_until_cancelled(sleep(AFTER_FAILURE)).await.is_none() {
                break;
            }
        }
    }
}

/// Takes back the jobs of lost workers and publishes how far each queue is behind. Ends with `stop`.
pub async fn care(runner: Runner, stop: CancellationToken) {
    let period = runner.ledger().lease() / CARE;
    while stop.run_until_cancelled(sleep(period.mul_f64(rand::random_range(0.75..1.25)))).await.is_some() {
        match runner.ledger().rescue().await {
            Ok(rescue) => {
                let (waiting, dead) = (rescue.waiting, rescue.dead);
                if dead > 0 {
                    tracing::error!(waiting, dead, "{dead} jobs are dead: their workers were lost three times in a row");
                } else if waiting > 0 {
                    tracing::warn!(waiting, "{waiting} jobs of lost workers wait again");
                }
                metrics::counter!("jobs_rescued_total").increment(u64::try_from(waiting + dead).unwrap_or(u64::MAX));
            }
            Err(error) => warn("rescue jobs", &error),
        }
        match runner.ledger().lag().await {
            Ok(lags) => {
                for queue in Queue::ALL {
                    let oldest = lags.iter().find(|lag| lag.queue == queue.name()).map_or(0.0, |lag| lag.oldest_seconds);
                    metrics::gauge!("queue_oldest_pending_seconds", "queue" => queue.name()).set(oldest);
                }
            }
            Err(error) => warn("measure queues", &error),
        }
        for (queue, running, _) in runner.occupancy() {
            metrics::gauge!("jobs_running", "queue" => queue.name()).set(u32::try_from(running).unwrap_or(u32::MAX));
        }
    }
}

fn warn(what: &'static str, error: &DbError) {
    tracing::warn!(error = error as &dyn std::error::Error, "cannot {what}; trying again");
}
