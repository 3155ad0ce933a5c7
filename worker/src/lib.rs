//! The worker: runs jobs, applies webhooks, and sends for the lanes whose lease it holds.
//!
//! * [`registry`] is the page of all kinds of job; [`runner`] runs them, fed by rings and by the [`poller`].
//! * [`lanes`] is the sending side: planner, intents, wire, outcomes, renewal.
//!
//! Any number of workers may run, and any of them may be killed: what must survive is in PostgreSQL. This crate decides when and how much;
//! what jobs do, and the statements of the ledgers, are in `crm` and `queue`.

mod health;
pub mod lanes;
pub mod poller;
pub mod registry;
pub mod runner;
mod services;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use crm::{lanes::LaneAnnouncer, secrets::Vault, webhooks::Folder};
use db::{Announcer, Announcers, Db, DbOptions, LedgerPool, Strictness};
use kernel::{SharedClock, SystemClock};
use providers::{objects::ObjectStore, whatsapp::CloudClient};
use queue::{
    Ledger, Services,
    doorbell::{Doorbell, listen},
};
use runtime::{Config, Shutdown, Tasks};
use tokio_util::sync::CancellationToken;

pub use services::resources;

use crate::runner::Runner;

/// Connections for claiming, renewing and settling jobs: single statements, never held by a job.
const LEDGER_CONNECTIONS: u32 = 4;
/// Time for closing what is left once the jobs have been drained.
const CLOSING: Duration = Duration::from_secs(10);

/// Works until `shutdown`, then finishes what runs and gives back what does not end in time.
///
/// Answers an error when a part ended unasked; the process should then end and be started again.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let clock: SharedClock = Arc::new(SystemClock);
    let stop = shutdown.token();
    // Cancelled when all work has ended: until then leases are renewed.
    let done = CancellationToken::new();

    let options = DbOptions {
        direct_url: config.database.direct_url.clone(),
        statement_cache: config.database.statement_cache,
        max_connections: config.database.max_connections,
        ..DbOptions::new(config.database.url.clone(), "worker")
    };
    let ledger_options = DbOptions { max_connections: LEDGER_CONNECTIONS, application: "worker-jobs", ..options.clone() };
    let ledger_pool = LedgerPool::open(&ledger_options).context("the database settings cannot be used")?;
    let mut announcers: Vec<Arc<dyn Announcer>> = vec![Arc::new(LaneAnnouncer::new(ledger_pool.clone()))];
    if let Some(url) = &config.redis.url {
        announcers.push(Arc::new(Doorbell::start(url).map_err(anyhow::Error::from_boxed).context("the Redis settings cannot be used")?));
    }
    let db = Db::open(&options).context("the database settings cannot be used")?.with_announcer(Arc::new(Announcers(announcers)));
    let strictness = Strictness::of(config.is_production());
    let is_trusted = db.posture_at_start(&SystemClock, strictness).await?;
    health::checks(&db, config.redis.url.as_ref(), stop.clone()).serve(&config.health).await.context("cannot listen on `health`")?;

    let resources = resources(&config)?;
    if let Some(objects) = resources.get::<ObjectStore>() {
        objects.prepare_soon();
    }
    let handlers = registry::registry().build(&resources)?;
    let folder = Folder::new(db.clone(), &options);
    let services = Services { db: db.clone(), clock, resources };
    let lanes = lane_setup(&config, options, &services)?;
    let ledger = Ledger::new(ledger_pool, handlers.kinds().collect::<Vec<_>>(), Duration::from_secs(config.jobs.lease_s));
    let runner = Runner::new(ledger.clone(), handlers, services, config.jobs.slots, stop.clone());

    let mut tasks = Tasks::new(shutdown);
    if !is_trusted {
        let (db, stop) = (db.clone(), stop.clone());
        tasks.spawn("trust", async move {
            stop.run_until_cancelled(db.await_posture(&SystemClock, strictness)).await.transpose()?;
            stop.cancelled().await;
            Ok(())
        });
    }
    let polled = poller::poll(runner.clone(), Duration::from_secs(config.jobs.poll_s), stop.clone());
    tasks.spawn("poller", ends(polled));
    let cared = poller::care(runner.clone(), stop.clone());
    tasks.spawn("care", ends(cared));
    let kept = poller::keep_leases(runner.clone(), done.clone());
    tasks.spawn("leases", ends(kept));
    if let Some(url) = config.redis.url.clone() {
        let (hearing, stop) = (runner.clone(), stop.clone());
        tasks.spawn("doorbell", async move {
            let on_ring = move |ring| {
                let runner = hearing.clone();
                async move { runner.hear(ring).await }
            };
            listen(&url, stop, on_ring).await.map_err(anyhow::Error::from_boxed)
        });
    }
    tasks.spawn("lanes", lanes::run(lanes, stop.clone()));
    let folding = stop.clone();
    tasks.spawn("folder", ends(async move { folder.run(folding).await }));
    // Further parts of a worker start here, each a vital task that watches `stop`.

    let patience = Duration::from_secs(config.jobs.drain_s);
    tasks.spawn("drain", async move {
        stop.cancelled().await;
        runner.drain(patience).await;
        done.cancel();
        Ok(())
    });
    let outcome = tasks.finish(patience + CLOSING).await;
    ledger.close().await;
    db.close().await;
    outcome
}

/// A part that ends only because it was told to.
async fn ends(part: impl Future<Output = ()>) -> anyhow::Result<()> {
    part.await;
    Ok(())
}

/// What the lanes need of the settings and of the services made from them.
fn lane_setup(config: &Config, database: DbOptions, services: &Services) -> anyhow::Result<lanes::LaneSetup> {
    let missing = "the worker's services hold it";
    let Services { db, clock, resources } = services;
    Ok(lanes::LaneSetup {
        db: db.clone(),
        database: DbOptions { application: "worker-lanes", ..database },
        objects: resources.get::<ObjectStore>().context(missing)?.clone(),
        client: resources.get::<CloudClient>().context(missing)?.clone(),
        vault: resources.get::<Vault>().context(missing)?.clone(),
        clock: Arc::clone(clock),
        config: config.sending.clone(),
    })
}
