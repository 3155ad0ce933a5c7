//! Lanes: the sending side of a worker.
//!
//! ```text
//! take ──► lane (planner) ──slices──► intent writers ──claimed──► wire ──outcomes──► outcome writers
//!            ▲ wake: notify, poll                                  │ token, stop flag, lease age
//!          renewal (own thread and connection)
//! ```
//!
//! A worker takes lanes whose lease nobody holds, walks their campaigns, and gives a lane back when it finds nothing to do. The protocol that
//! makes every crash safe is in `crm::campaigns::ledger`.

mod guard;
mod hold;
mod intents;
mod lane;
mod outcomes;
mod pace;
mod planner;
mod reaction;
mod renewal;
mod run;
mod supervisor;
mod wire;

use std::sync::Arc;

use crm::secrets::Vault;
use db::{Db, LedgerPool};
use kernel::SharedClock;
use providers::whatsapp::CloudClient;
use runtime::config::SendingConfig;
use tokio::sync::Semaphore;
use uuid::Uuid;

pub use supervisor::{LaneSetup, run};

/// What all lanes of a worker share.
#[derive(Debug)]
pub struct Sending {
    /// Connections of the ledger, as `crm_system`.
    pub pool: LedgerPool,
    /// The general pool, for what sending causes besides.
    pub db: Db,
    /// Says whether the ledger may be trusted.
    pub(crate) guard: Arc<guard::Guard>,
    /// Client of the provider.
    pub client: CloudClient,
    /// Opens the access tokens of numbers.
    pub vault: Vault,
    /// The wall clock, for the age of a lease on a machine that was suspended.
    pub clock: SharedClock,
    /// Names this worker process in the leases.
    pub owner: Uuid,
    /// Limits and intervals.
    pub config: SendingConfig,
    /// Messages that may be on the wire at once, over all lanes.
    pub in_flight: Arc<Semaphore>,
    /// Slices on their way to the intent writers.
    pub(crate) intents: async_channel::Sender<intents::Slice>,
    /// Outcomes on their way to the outcome writers.
    pub(crate) outcomes: async_channel::Sender<outcomes::Settled>,
}
