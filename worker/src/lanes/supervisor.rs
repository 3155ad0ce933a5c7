//! Takes lanes, drives them, and stops them in good order.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::Context;
use crm::lanes::{self, LANES_CHANNEL, LaneKey};
use db::DbOptions;
use kernel::ChannelId;
use sqlx::postgres::PgListener;
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Sending,
    guard::Guard,
    hold::{Asked, Hold},
    intents, lane, outcomes,
    renewal::{Holds, Renewal},
};

/// Intent writers of a worker: two keep the log of the database busy, the third covers for one that waits for a row.
const INTENT_WRITERS: usize = 3;
/// Outcome writers of a worker.
const OUTCOME_WRITERS: usize = 2;
/// Outcomes that may wait for their writers before the wire waits for them.
const OUTCOMES_WAITING: usize = 4096;

/// What the lanes of a worker need from its start.
#[derive(Debug)]
pub struct LaneSetup {
    /// How to reach the database: for the ledger pool, the renewal and the listener.
    pub database: DbOptions,
    /// The general pool.
    pub db: db::Db,
    /// Where what is known of the ledger is kept.
    pub objects: providers::objects::ObjectStore,
    /// Client of the provider.
    pub client: providers::whatsapp::CloudClient,
    /// Opens access tokens.
    pub vault: crm::secrets::Vault,
    /// The wall clock.
    pub clock: kernel::SharedClock,
    /// Limits and intervals.
    pub config: runtime::config::SendingConfig,
}

/// Runs lanes until `stop`, then ends them in good order: no message is cut off, no outcome is lost.
pub async fn run(setup: LaneSetup, stop: CancellationToken) -> anyhow::Result<()> {
    let options = DbOptions { max_connections: setup.config.connections, ..setup.database.clone() };
    let guard = Guard::new(setup.objects);
    let doorkeeper: Arc<dyn db::Doorkeeper> = guard.clone();
    let pool = db::LedgerPool::open_guarded(&options, &doorkeeper).context("the database address is unusable")?;
    let (intents, slices) = async_channel::bounded(64);
    let (outcomes, settled) = async_channel::bounded(OUTCOMES_WAITING);
    let sending = Arc::new(Sending {
        pool: pool.clone(),
        db: setup.db,
        guard: Arc::clone(&guard),
        client: setup.client,
        vault: setup.vault,
        clock: Arc::clone(&setup.clock),
        owner: Uuid::now_v7(),
        in_flight: Arc::new(Semaphore::new(setup.config.max_in_flight)),
        config: setup.config,
        intents,
        outcomes,
    });
    let mut writers = JoinSet::new();
    for _ in 0..INTENT_WRITERS {
        writers.spawn(intents::write_intents(Arc::clone(&sending), slices.clone()));
    }
    for _ in 0..OUTCOME_WRITERS {
        writers.spawn(outcomes::write_outcomes(Arc::clone(&sending), settled.clone()));
    }
    let holds = Arc::new(Holds::default());
    let renewal_stop = CancellationToken::new();
    let renewal = Renewal {
        options: setup.database,
        owner: sending.owner,
        lease: Duration::from_secs(sending.config.lease_s),
        every: Duration::from_secs(sending.config.renew_s),
        clock: setup.clock,
        holds: Arc::clone(&holds),
        stop: renewal_stop.clone(),
    }
    .start()?;
    // Like the renewal until the last lane was given back: what was sent is stored on checked connections.
    let (guarded, watch_stop) = (pool.clone(), renewal_stop.clone());
    let watching = tokio::spawn(async move { guard.watch(&guarded, watch_stop).await });
    let mut supervisor = Supervisor { sending: Arc::clone(&sending), holds, driven: HashMap::new(), tasks: JoinSet::new(), stop };
    let writer_ended = tokio::select! {
        () = supervisor.serve() => false,
        // They end only by a panic while their channels are open: nothing may go on half alive.
        Some(_) = writers.join_next() => true,
    };
    supervisor.stop.cancel();
    supervisor.drain().await;
    // The lanes are given back: their writers have nothing left to write.
    sending.intents.close();
    sending.outcomes.close();
    while writers.join_next().await.is_some() {}
    renewal_stop.cancel();
    watching.await.context("the guard of the ledger ended unexpectedly")?;
    tokio::task::spawn_blocking(move || renewal.join()).await.ok();
    pool.close().await;
    if writer_ended { Err(anyhow::anyhow!("a writer of the lanes ended unexpectedly")) } else { Ok(()) }
}

struct Supervisor {
    sending: Arc<Sending>,
    holds: Arc<Holds>,
    driven: HashMap<ChannelId, Arc<Notify>>,
    tasks: JoinSet<Arc<Hold>>,
    stop: CancellationToken,
}

impl Supervisor {
    async fn serve(&mut self) {
        let mut listener = None;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.sending.guard.trusted() => {}
            }
            if listener.is_none() {
                listener = self.listen().await;
            }
            self.take().await;
            self.wait(&mut listener).await;
        }
    }

    /// Waits for an announcement, the end of a lane, or the next poll.
    async fn wait(&mut self, listener: &mut Option<PgListener>) {
        let poll = Duration::from_secs(self.sending.config.poll_s).mul_f64(rand::random_range(0.8..1.2));
        let end = tokio::time::Instant::now() + poll;
        loop {
            let heard = async {
                match listener.as_mut() {
                    Some(listener) => listener.try_recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep_until(end) => return,
                Some(ended) = self.tasks.join_next() => {
                    self.ended(ended);
                    return;
                }
                notification = heard => if let Ok(Some(notification)) = notification {
                    let channel = notification.payload().parse::<ChannelId>().ok();
                    match channel.and_then(|channel| self.driven.get(&channel)) {
                        Some(wake) => wake.notify_one(),
                        None => return,
                    }
                } else {
                    // The connection was lost: what was announced meanwhile is found by looking everywhere.
                    *listener = None;
                    self.driven.values().for_each(|wake| wake.notify_one());
                    return;
                }
            }
        }
    }

    async fn listen(&self) -> Option<PgListener> {
        let listening = async {
            let mut listener = PgListener::connect_with(self.sending.pool.executor()).await?;
            listener.eager_reconnect(false);
            listener.listen(LANES_CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        listening.await.inspect_err(|error| tracing::warn!(%error, "lanes are not announced for now; polling finds them")).ok()
    }

    async fn take(&mut self) {
        let room = self.sending.config.max_lanes.saturating_sub(self.driven.len());
        if room == 0 {
            return;
        }
        let lease = Duration::from_secs(self.sending.config.lease_s);
        let asked = Asked::now(&self.sending.clock);
        let taken = lanes::take(&self.sending.pool, self.sending.owner, lease, i64::try_from(room).unwrap_or(i64::MAX)).await;
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, "no lanes could be taken");
                return;
            }
        };
        for lane in taken {
            let hold = Hold::new(lane.key, lane.fence, lease, lane.rate_factor, Arc::clone(&self.sending.clock), asked);
            self.start(lane, hold);
        }
        metrics::gauge!("lanes_held").set(f64::from(u32::try_from(self.driven.len()).unwrap_or(u32::MAX)));
    }

    fn start(&mut self, lane: lanes::Lane, hold: Arc<Hold>) {
        let LaneKey { channel, .. } = lane.key;
        tracing::info!(channel.id = %channel, fence = lane.fence, unclean = lane.unclean, "lane {channel}: taken");
        self.holds.insert(&hold);
        let wake = Arc::new(Notify::new());
        self.driven.insert(channel, Arc::clone(&wake));
        let (sending, stop) = (Arc::clone(&self.sending), self.stop.clone());
        self.tasks.spawn(async move {
            lane::drive(sending, lane, Arc::clone(&hold), wake, stop).await;
            hold
        });
    }

    fn ended(&mut self, ended: Result<Arc<Hold>, tokio::task::JoinError>) {
        match ended {
            Ok(hold) => {
                self.holds.remove(&hold);
                self.driven.remove(&hold.key.channel);
                tracing::info!(channel.id = %hold.key.channel, "lane {}: given back", hold.key.channel);
            }
            Err(error) => {
                // Its lease runs out by itself; the process ends so that nothing goes on half alive.
                tracing::error!(%error, "a lane ended unexpectedly");
                self.stop.cancel();
            }
        }
    }

    async fn drain(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            self.ended(ended);
        }
    }
}
