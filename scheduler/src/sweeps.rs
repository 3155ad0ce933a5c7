//! The page of sweeps: what the leading scheduler looks after again and again, without a job of its own.
//!
//! A sweep is short, idempotent and right under any number of schedulers at once; leadership only spares the others the work.

use std::{sync::Arc, time::Duration};

use crm::campaigns::ledger;
use db::{Db, LedgerPool};
use futures::future::BoxFuture;
use kernel::SharedClock;
use runtime::Config;

use crate::ticks;

/// What sweeps work with.
#[derive(Clone, Debug)]
pub struct Sweeping {
    /// The door to PostgreSQL; its commits are announced to workers.
    pub db: Db,
    /// Connections of `crm_system` for single statements.
    pub ledger: LedgerPool,
    /// Tells the time.
    pub clock: SharedClock,
    /// The settings.
    pub config: Arc<Config>,
}

/// One sweep.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    /// Name in logs and metrics.
    pub name: &'static str,
    /// Pause between two runs.
    pub every: Duration,
    /// Does the work once.
    pub run: fn(Sweeping) -> BoxFuture<'static, anyhow::Result<()>>,
}

/// Every sweep.
pub fn page() -> Vec<Sweep> {
    vec![
        Sweep { name: "campaigns.rollUp", every: Duration::from_secs(1), run: |sweeping| Box::pin(roll_up_counters(sweeping)) },
        Sweep { name: "schedules.forget", every: Duration::from_hours(1), run: |sweeping| Box::pin(forget_ticks(sweeping)) },
    ]
}

async fn forget_ticks(sweeping: Sweeping) -> anyhow::Result<()> {
    let now = ticks::now(&sweeping.db).await?;
    ticks::forget(&sweeping.db, now).await?;
    Ok(())
}

async fn roll_up_counters(sweeping: Sweeping) -> anyhow::Result<()> {
    const ROWS: i64 = 10_000;
    while i64::try_from(ledger::roll_up(&sweeping.ledger, ROWS).await?)? == ROWS {}
    Ok(())
}
