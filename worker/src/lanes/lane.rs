//! One lane: set up when it is taken, driven by its planner, drained and given back.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use crm::{
    campaigns::{
        self, CampaignError,
        ledger::{self, ChannelSending},
    },
    lanes,
    secrets::Purpose,
};
use db::DbError;
use kernel::CampaignId;
use providers::whatsapp::SendNumber;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    Sending,
    hold::Hold,
    pace::Pace,
    planner::Planner,
    run::RunControl,
    wire::{self, Reach, Ready},
};

/// Most rows of one intent.
pub(super) const ROWS_OF_INTENT: u32 = 20;

/// What planner, intent writers, wire and outcome writers of a lane share.
#[derive(Debug)]
pub(crate) struct LaneShared {
    pub(crate) hold: Arc<Hold>,
    /// The guard's, when the lane was set up.
    pub(crate) term: u64,
    pub(crate) pace: Pace,
    pub(crate) reach: Reach,
    /// Somebody changed what the lane may have to do.
    pub(crate) wake: Arc<Notify>,
    /// No new intents, nothing more on the wire.
    pub(crate) stop: CancellationToken,
    pub(crate) wire: mpsc::UnboundedSender<Ready>,
    /// Outcomes known and not yet stored.
    pub(crate) unstored: AtomicUsize,
    /// Told when `unstored` comes to 0.
    pub(crate) stored: Notify,
    /// Runs that stopped by an answer of the provider, until the next look.
    controls: std::sync::Mutex<BTreeMap<CampaignId, Arc<RunControl>>>,
}

impl LaneShared {
    /// Pauses one run because of what the provider answered. Tells whether it was running.
    pub(crate) async fn pause_run(&self, sending: &Sending, run: &RunControl, reason: &str) -> bool {
        if !run.is_sendable() {
            return false;
        }
        run.set_sendable(false);
        let paused = match ledger::pause_for_reason(&sending.pool, self.hold.key, run.campaign, reason).await {
            Ok(paused) => {
                if paused {
                    tracing::warn!(campaign.id = %run.campaign, reason, "campaign {}: paused", run.campaign);
                }
                paused
            }
            Err(error) => {
                tracing::warn!(%error, campaign.id = %run.campaign, "a campaign could not be paused; the next refusal tries again");
                false
            }
        };
        self.wake.notify_one();
        paused
    }

    /// Pauses one run because the provider refuses its template, and has somebody look what is wrong with that: the webhook that tells may not
    /// come. When nobody can be told, the next comparison of all templates finds it.
    pub(crate) async fn pause_for_template(&self, sending: &Sending, run: &RunControl, reason: &str) {
        if !self.pause_run(sending, run, reason).await {
            return;
        }
        let ask = async {
            let mut tx = sending.db.tenant(self.hold.key.organization).await?;
            campaigns::look_at_template(&mut tx, run.campaign).await?;
            tx.commit().await?;
            Ok::<_, CampaignError>(())
        };
        if let Err(error) = ask.await {
            tracing::warn!(%error, campaign.id = %run.campaign, "the template of a paused campaign is not looked at before the next comparison");
        }
    }

    /// Pauses all runs of the lane.
    pub(crate) async fn pause_all(&self, sending: &Sending, reason: &str) {
        let controls: Vec<_> = self.controls().values().cloned().collect();
        for control in controls {
            self.pause_run(sending, &control, reason).await;
        }
    }

    /// The runs that the lane has in hand.
    pub(super) fn controls(&self) -> std::sync::MutexGuard<'_, BTreeMap<CampaignId, Arc<RunControl>>> {
        self.controls.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How a lane ended.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing to do until then, or until it is signalled.
    Idle { seen_seq: i64, next_due: Option<DateTime<Utc>> },
    /// The worker stops, or the lease is gone: there may be work left.
    Stopped,
}

/// Drives a lane from its taking to its giving back.
pub(crate) async fn drive(sending: Arc<Sending>, lane: lanes::Lane, hold: Arc<Hold>, wake: Arc<Notify>, stop: CancellationToken) {
    let channel = hold.key.channel;
    match serve(&sending, lane, &hold, wake, &stop).await {
        Ok(end) => give_back(&sending, &hold, end).await,
        Err(error) => {
            tracing::warn!(%error, channel.id = %channel, "lane {channel}: cut short");
            give_back(&sending, &hold, End::Stopped).await;
            // Do not take it again at once: what failed needs a moment.
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

async fn give_back(sending: &Sending, hold: &Hold, end: End) {
    let (seen_seq, next_due) = match end {
        End::Idle { seen_seq, next_due } => (Some(seen_seq), next_due),
        End::Stopped => (None, None),
    };
    if let Err(error) = lanes::give_back(&sending.pool, sending.owner, hold.rate(), seen_seq, next_due).await {
        tracing::warn!(%error, channel.id = %hold.key.channel, "a lane was not given back; its lease runs out by itself");
    }
}

/// Sets the lane up, plans until there is nothing to do or it must stop, and drains what is under way.
async fn serve(
    sending: &Arc<Sending>,
    lane: lanes::Lane,
    hold: &Arc<Hold>,
    wake: Arc<Notify>,
    stop: &CancellationToken,
) -> Result<End, DbError> {
    // Before the first look into the ledger.
    let term = sending.guard.term();
    let channel = ledger::channel_for_sending(&sending.pool, hold.key).await?;
    let (rate, number) = match &channel {
        Some(channel) => (channel.messages_per_second, prepare_number(sending, hold, channel)),
        None => (1, None),
    };
    let first_token = if lane.warm { Duration::from_secs(1) } else { Duration::ZERO };
    let pace = Pace::new(rate, lane.rate_factor, first_token);
    let pace = if lane.unclean { pace.cautiously() } else { pace };
    let (wire, ready) = mpsc::unbounded_channel();
    let shared = Arc::new(LaneShared {
        hold: Arc::clone(hold),
        term,
        pace,
        reach: Reach::default(),
        wake,
        stop: stop.child_token(),
        wire,
        unstored: AtomicUsize::new(0),
        stored: Notify::new(),
        controls: std::sync::Mutex::default(),
    });
    let cap = in_flight_cap(rate);
    let mut planner = Planner {
        sending: Arc::clone(sending),
        lane: Arc::clone(&shared),
        can_send: number.is_some(),
        permits: Arc::new(Semaphore::new(cap)),
        ahead: Arc::new(Semaphore::new(rows_ahead(rate))),
        cap,
        walks: BTreeMap::new(),
        next_walk: 0,
        set_up_with: channel,
    };
    let (end_wire, wire_ended) = tokio::sync::oneshot::channel::<()>();
    let wire = number.map(|number| {
        let (sending, lane) = (Arc::clone(sending), Arc::clone(&shared));
        tokio::spawn(async move {
            tokio::select! {
                () = wire::run(sending, lane, number, ready) => {}
                // Never before everything was drained: see below.
                _ = wire_ended => {}
            }
        })
    });
    let end = planner.plan().await;
    // Order matters: no new intents, release what is unwritten, drain, store, and only then give the lane back.
    shared.stop.cancel();
    let all = u32::try_from(planner.cap).unwrap_or(u32::MAX);
    let drained = planner.permits.acquire_many(all).await;
    debug_assert!(drained.is_ok(), "the semaphore is never closed");
    while shared.unstored.load(Ordering::Relaxed) > 0 {
        shared.stored.notified().await;
    }
    drop(end_wire);
    if let Some(wire) = wire {
        let _ = wire.await;
    }
    end
}

/// Messages of one lane that may be claimed or on the wire at once: half a second's worth, at least 16, at most 512.
fn in_flight_cap(rate: u32) -> usize {
    usize::try_from(rate / 2).unwrap_or(usize::MAX).clamp(16, 512)
}

/// Messages of one lane that may be claimed before it is their turn on the wire: two intents' worth, or a tenth of a second's. A crash leaves
/// them in doubt although nothing was sent, so they are as few as keep the wire busy while an intent commits.
fn rows_ahead(rate: u32) -> usize {
    let of_intents = 2 * (rate / 10).clamp(1, ROWS_OF_INTENT);
    usize::try_from(of_intents.max(rate / 10)).unwrap_or(usize::MAX).min(in_flight_cap(rate))
}

/// Token and address of the number; none when it cannot send.
fn prepare_number(sending: &Sending, hold: &Hold, channel: &ChannelSending) -> Option<SendNumber> {
    if !channel.connected {
        return None;
    }
    let number = sending
        .vault
        .open(hold.key.organization, Purpose::ChannelToken(hold.key.channel), &channel.access_token)
        .map_err(|error| error.to_string())
        .and_then(|token| sending.client.number(&channel.phone_number_id, &token).map_err(|error| error.to_string()));
    number.inspect_err(|error| tracing::error!(error, channel.id = %hold.key.channel, "the access token of a number cannot be used")).ok()
}
