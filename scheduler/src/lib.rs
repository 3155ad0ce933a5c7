//! The scheduler: fires the cron page and runs sweeps. Any number may run; one leads, and nothing is wrong when two do.
//!
//! * [`cron`] is the page of what happens by the calendar, [`ticks`] fires each tick once: it enqueues a job and does nothing itself.
//! * [`sweeps`] is the page of what is looked after again and again. [`leader`] spares the other schedulers the work.
//!
//! It sends nothing, runs no job, and does not know what the jobs do.

pub mod cron;
pub mod leader;
pub mod sweeps;
#[cfg(test)]
mod tests;
pub mod ticks;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use crm::lanes::LaneAnnouncer;
use db::{Announcer, Announcers, Db, DbOptions, LedgerPool, Strictness};
use kernel::SystemClock;
use queue::doorbell::Doorbell;
use runtime::{
    Config, Shutdown, Tasks,
    health::{Health, Need},
};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    cron::Entry,
    leader::Candidate,
    sweeps::{Sweep, Sweeping},
    ticks::Look,
};

/// How often the leader looks at the cron page, and every candidate at the leadership.
const TICK: Duration = Duration::from_secs(1);
/// Connections for sweeps.
const LEDGER_CONNECTIONS: u32 = 2;
/// Time for what runs to end.
const PATIENCE: Duration = Duration::from_secs(25);

/// Schedules until `shutdown`.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let stop = shutdown.token();
    let options = DbOptions {
        direct_url: config.database.direct_url.clone(),
        statement_cache: config.database.statement_cache,
        max_connections: config.database.max_connections,
        ..DbOptions::new(config.database.url.clone(), "scheduler")
    };
    let ledger_options = DbOptions { max_connections: LEDGER_CONNECTIONS, application: "scheduler-sweeps", ..options.clone() };
    let ledger = LedgerPool::open(&ledger_options).context("the database settings cannot be used")?;
    let mut announcers: Vec<Arc<dyn Announcer>> = vec![Arc::new(LaneAnnouncer::new(ledger.clone()))];
    if let Some(url) = &config.redis.url {
        announcers.push(Arc::new(Doorbell::start(url).map_err(anyhow::Error::from_boxed).context("the Redis settings cannot be used")?));
    }
    let db = Db::open(&options).context("the database settings cannot be used")?.with_announcer(Arc::new(Announcers(announcers)));
    let strictness = Strictness::of(config.is_production());
    let is_trusted = db.posture_at_start(&SystemClock, strictness).await?;
    checks(&db, stop.clone()).serve(&config.health).await.context("cannot listen on `health`")?;

    let page = cron::page(&config).context("the cron page cannot be read")?;
    let sweeping = Sweeping { db: db.clone(), ledger: ledger.clone(), clock: Arc::new(SystemClock), config: Arc::new(config) };
    let (leads, leading) = watch::channel(false);
    let mut tasks = Tasks::new(shutdown);
    if !is_trusted {
        let (db, stop) = (db.clone(), stop.clone());
        tasks.spawn("trust", async move {
            stop.run_until_cancelled(db.await_posture(&SystemClock, strictness)).await.transpose()?;
            stop.cancelled().await;
            Ok(())
        });
    }
    for sweep in sweeps::page() {
        tasks.spawn(sweep.name, run_sweep(sweep, sweeping.clone(), leading.clone(), stop.clone()));
    }
    tasks.spawn("cron page", fire_page(db.clone(), page, leads, stop));
    let outcome = tasks.finish(PATIENCE).await;
    ledger.close().await;
    db.close().await;
    outcome
}

/// Leads if nobody else does, and as a leader fires what is due.
async fn fire_page(db: Db, page: Vec<Entry>, leads: watch::Sender<bool>, stop: CancellationToken) -> anyhow::Result<()> {
    let candidate = Candidate::new("scheduler");
    while !stop.is_cancelled() {
        let leading = candidate.lead(&db).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot tell who leads the schedulers; trying again");
            false
        });
        if leads.send_replace(leading) != leading {
            tracing::info!(leading, "this scheduler {}", if leading { "leads" } else { "follows" });
            metrics::gauge!("scheduler_leading").set(u8::from(leading));
        }
        if leading && let Err(error) = fire_due(&db, &page).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot fire the cron page; trying again");
        }
        stop.run_until_cancelled(sleep(TICK)).await;
    }
    leads.send_replace(false);
    if let Err(error) = candidate.resign(&db).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "cannot resign; the lease ends by itself");
    }
    Ok(())
}

/// Looks at every entry of the page once.
async fn fire_due(db: &Db, page: &[Entry]) -> Result<(), db::DbError> {
    let now = ticks::now(db).await?;
    for entry in page {
        match ticks::look(db, entry, now).await? {
            Look::Fired(tick) => {
                metrics::counter!("schedule_ticks_total", "schedule" => entry.id).increment(1);
                tracing::info!(schedule = entry.id, %tick, "schedule {}: fired", entry.id);
            }
            Look::Missed(tick) => {
                tracing::warn!(schedule = entry.id, %tick, "schedule {}: missed, not fired late", entry.id);
            }
            Look::NotDue | Look::FiredElsewhere(_) => {}
        }
    }
    Ok(())
}

async fn run_sweep(sweep: Sweep, sweeping: Sweeping, mut leading: watch::Receiver<bool>, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        // Only the leader sweeps; its end is the end of the process.
        if !matches!(stop.run_until_cancelled(leading.wait_for(|leads| *leads)).await, Some(Ok(_))) {
            return Ok(());
        }
        let begun = tokio::time::Instant::now();
        if let Err(error) = (sweep.run)(sweeping.clone()).await {
            tracing::warn!("sweep {}: {error:#}", sweep.name);
            metrics::counter!("sweeps_failed_total", "sweep" => sweep.name).increment(1);
        }
        metrics::histogram!("sweep_duration_seconds", "sweep" => sweep.name).record(begun.elapsed());
        if stop.run_until_cancelled(sleep(sweep.every)).await.is_none() {
            return Ok(());
        }
    }
}

fn checks(db: &Db, stopping: CancellationToken) -> Arc<Health> {
    let (schema, database) = (db.clone(), db.clone());
    let health = Health::new(stopping)
        .check("database", Need::Required, move || {
            let db = database.clone();
            async move { db.ping().await.map_err(|error| error.to_string()) }
        })
        .check("migrations", Need::Required, move || {
            let db = schema.clone();
            async move {
                let state = db.migration_state().await.map_err(|error| error.to_string())?;
                if state.is_current() { Ok(()) } else { Err(format!("at {}, this build needs {}", state.applied, state.expected)) }
            }
        });
    Arc::new(health)
}
