//! One lane: takes it over, walks its campaigns, gives it back.

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
    campaigns::ledger::{self, ChannelSending, Finish, PlannedRow, Run, RunState},
    lanes,
    secrets::Purpose,
};
use db::DbError;
use kernel::CampaignId;
use providers::whatsapp::SendNumber;
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Sending,
    hold::Hold,
    intents::Slice,
    pace::Pace,
    run::{ChunkTicket, RunControl, Walk},
    wire::{self, Reach, Ready},
};

/// How often a busy lane looks again at its runs and at what fell due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shortest time between two looks, however often the lane is woken.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Rows off the straight path that one look picks up, and unknown rows that one statement settles.
const DUE_ROWS: i64 = 500;
/// Most rows of one intent.
const ROWS_OF_INTENT: u32 = 20;
/// Chunks cancelled by one statement.
const CANCEL_CHUNKS: i64 = 20;
/// How far a lane's next due row may lie ahead for the lane to be kept instead of given back.
const WORTH_WAITING_S: f64 = 1.0;

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
    /// Pauses one run because of what the provider answered.
    pub(crate) async fn pause_run(&self, sending: &Sending, run: &RunControl, reason: &str) {
        if !run.is_sendable() {
            return;
        }
        run.set_sendable(false);
        match ledger::pause_for_reason(&sending.pool, self.hold.key, run.campaign, reason).await {
            Ok(true) => tracing::warn!(campaign.id = %run.campaign, reason, "campaign {}: paused", run.campaign),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, campaign.id = %run.campaign, "a campaign could not be paused; the next refusal tries again");
            }
        }
        self.wake.notify_one();
    }

    /// Pauses all runs of the lane.
    pub(crate) async fn pause_all(&self, sending: &Sending, reason: &str) {
        let controls: Vec<_> = self.controls().values().cloned().collect();
        for control in controls {
            self.pause_run(sending, &control, reason).await;
        }
    }

    fn controls(&self) -> std::sync::MutexGuard<'_, BTreeMap<CampaignId, Arc<RunControl>>> {
        self.controls.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How a lane ended.
#[derive(Debug)]
enum End {
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

/// The planner: decides what is claimed next.
struct Planner {
    sending: Arc<Sending>,
    lane: Arc<LaneShared>,
    can_send: bool,
    permits: Arc<Semaphore>,
    /// Claims that may wait for their turn.
    ahead: Arc<Semaphore>,
    cap: usize,
    walks: BTreeMap<CampaignId, Walk>,
    /// Which walk is next, so that campaigns of one number take turns.
    next_walk: usize,
    /// The number as it was when the lane was set up. Its rate bounds what may be in flight: a slice must never be larger than that.
    set_up_with: Option<ChannelSending>,
}

impl Planner {
    async fn plan(&mut self) -> Result<End, DbError> {
        loop {
            if self.must_stop() {
                return Ok(End::Stopped);
            }
            let looked = Instant::now();
            // Before the look, so that a signal during it is not taken for seen.
            let seen_seq = lanes::wake_seq(&self.sending.pool, self.lane.hold.key).await?;
            let runs = ledger::open_runs(&self.sending.pool, self.lane.hold.key).await?;
            if self.channel_changed().await? {
                return Ok(End::Stopped);
            }
            self.take_runs(&runs).await?;
            if !self.can_send && self.set_up_with.as_ref().is_some_and(|channel| channel.connected) {
                for run in runs.iter().filter(|run| run.state == RunState::Running) {
                    ledger::pause_for_reason(&self.sending.pool, self.lane.hold.key, run.campaign, "tokenUnusable").await?;
                }
            }
            self.lane.pace.recover();
            self.lane.hold.set_rate_factor(self.lane.pace.factor());
            self.look_at_due().await?;
            let exhausted = self.feed(looked).await?;
            if exhausted && let Some(end) = self.empty_look(&runs, seen_seq).await? {
                return Ok(end);
            }
            let pause = LOOK_PAUSE.saturating_sub(looked.elapsed());
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    fn must_stop(&self) -> bool {
        self.lane.stop.is_cancelled() || self.lane.hold.is_lost() || !self.sending.guard.is_trusted(self.lane.term)
    }

    /// Whether the number got another token or rate, or was disconnected, connected or deleted: the lane is set up anew.
    async fn channel_changed(&self) -> Result<bool, DbError> {
        let channel = ledger::channel_for_sending(&self.sending.pool, self.lane.hold.key).await?;
        Ok(channel != self.set_up_with)
    }

    /// Brings the walks in step with the runs. A run seen for the first time is rescued from its former owner first.
    async fn take_runs(&mut self, runs: &[Run]) -> Result<(), DbError> {
        for run in runs {
            if !self.walks.contains_key(&run.campaign) {
                let rescued = self.rescue(run, self.lane.hold.fence).await?;
                if rescued > 0 {
                    tracing::warn!(campaign.id = %run.campaign, rescued, "campaign {}: {rescued} rows are unknown after a hand-over", run.campaign);
                }
                match Walk::new(run) {
                    Ok(walk) => {
                        self.lane.controls().insert(run.campaign, Arc::clone(&walk.control));
                        self.walks.insert(run.campaign, walk);
                    }
                    Err(error) => {
                        tracing::error!(%error, campaign.id = %run.campaign, "the frozen template cannot be compiled");
                        ledger::pause_for_reason(&self.sending.pool, self.lane.hold.key, run.campaign, "templateUnusable").await?;
                        continue;
                    }
                }
            }
            if let Some(walk) = self.walks.get_mut(&run.campaign) {
                let resting = run.not_before.is_some_and(|instant| instant > self.sending.clock.now());
                let sendable = run.state == RunState::Running && self.can_send && !resting;
                if !sendable && walk.control.is_sendable() {
                    walk.rewind();
                }
                walk.control.set_sendable(sendable);
            }
        }
        let open: Vec<CampaignId> = runs.iter().map(|run| run.campaign).collect();
        for (campaign, walk) in &self.walks {
            if !open.contains(campaign) {
                walk.control.set_sendable(false);
            }
        }
        self.walks.retain(|campaign, _| open.contains(campaign));
        self.lane.controls().retain(|campaign, _| open.contains(campaign));
        Ok(())
    }

    async fn rescue(&self, run: &Run, fence: i64) -> Result<u64, DbError> {
        ledger::rescue(&self.sending.pool, self.lane.hold.key, run.campaign, fence, run.grace_s).await
    }

    /// Settles unknown rows whose grace is over, and hands out rows that waited long enough.
    async fn look_at_due(&mut self) -> Result<(), DbError> {
        let full = u64::try_from(DUE_ROWS).unwrap_or(u64::MAX);
        while ledger::settle_unknown(&self.sending.pool, self.lane.hold.key, DUE_ROWS).await? == full {}
        if !self.walks.values().any(|walk| walk.control.is_sendable()) {
            return Ok(());
        }
        let begin = Instant::now();
        let due = ledger::due_rows(&self.sending.pool, self.lane.hold.key, DUE_ROWS).await?;
        let mut by_campaign: BTreeMap<CampaignId, Vec<PlannedRow>> = BTreeMap::new();
        for due in due {
            by_campaign.entry(due.campaign).or_default().push(due.row);
        }
        for (campaign, mut rows) in by_campaign {
            let Some(control) = self.walks.get(&campaign).map(|walk| Arc::clone(&walk.control)) else { continue };
            // What is left is found again by the next look, which must not come late: it is what notices a pause.
            while !rows.is_empty() && control.is_sendable() && !self.must_stop() && begin.elapsed() < LOOK_EVERY {
                let n = self.slice_size(&control).min(rows.len());
                let slice = rows.drain(..n).map(|row| (row, None)).collect();
                self.hand_out(&control, slice).await;
            }
        }
        Ok(())
    }

    /// Rows of one intent: a tenth of a second's worth of number and campaign, at most 20.
    fn slice_size(&self, control: &RunControl) -> usize {
        let rate = control.pace.as_ref().map_or(f64::INFINITY, Pace::rate).min(self.lane.pace.rate());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 20")]
        let size = (rate / 10.0).clamp(1.0, f64::from(ROWS_OF_INTENT)) as usize;
        size
    }

    /// Waits for free places on the wire, then queues a slice. Nothing is queued once the lane must stop.
    async fn hand_out(&self, control: &Arc<RunControl>, rows: Vec<(PlannedRow, Option<ChunkTicket>)>) {
        let n = u32::try_from(rows.len()).unwrap_or(1);
        let ahead = tokio::select! {
            permits = Arc::clone(&self.ahead).acquire_many_owned(n) => permits,
            () = self.lane.stop.cancelled() => return,
        };
        let lane_permits = tokio::select! {
            permits = Arc::clone(&self.permits).acquire_many_owned(n) => permits,
            () = self.lane.stop.cancelled() => return,
        };
        let worker_permits = tokio::select! {
            permits = Arc::clone(&self.sending.in_flight).acquire_many_owned(n) => permits,
            () = self.lane.stop.cancelled() => return,
        };
        let (Ok(ahead), Ok(lane_permits), Ok(worker_permits)) = (ahead, lane_permits, worker_permits) else { return };
        if self.must_stop() || !control.is_sendable() {
            return;
        }
        let slice = Slice { lane: Arc::clone(&self.lane), run: Arc::clone(control), rows, ahead, permits: (lane_permits, worker_permits) };
        let _ = self.sending.intents.send(slice).await;
    }

    /// Hands out slices, campaigns taking turns, until it is time to look again or nothing is left to hand out. Answers whether nothing is left.
    async fn feed(&mut self, looked: Instant) -> Result<bool, DbError> {
        loop {
            let campaigns: Vec<CampaignId> =
                self.walks.iter().filter(|(_, walk)| walk.control.is_sendable() && !walk.is_exhausted()).map(|(id, _)| *id).collect();
            if campaigns.is_empty() {
                return Ok(true);
            }
            self.next_walk = (self.next_walk + 1) % campaigns.len();
            let campaign = campaigns[self.next_walk];
            self.refill(campaign).await?;
            if let Some(control) = self.walks.get(&campaign).map(|walk| Arc::clone(&walk.control)) {
                let n = self.slice_size(&control);
                let rows = self.walks.get_mut(&campaign).map(|walk| walk.take_rows(n)).unwrap_or_default();
                if !rows.is_empty() {
                    let rows = rows.into_iter().map(|(row, ticket)| (row, Some(ticket))).collect();
                    self.hand_out(&control, rows).await;
                }
            }
            if self.must_stop() {
                return Ok(false);
            }
            if looked.elapsed() >= LOOK_EVERY || self.was_woken(looked) {
                self.count_quiet_chunks().await?;
                return Ok(false);
            }
        }
    }

    /// Whether the lane was woken, not looking more often than makes sense.
    fn was_woken(&self, looked: Instant) -> bool {
        looked.elapsed() >= LOOK_PAUSE && {
            use futures::FutureExt;
            self.lane.wake.notified().now_or_never().is_some()
        }
    }

    /// Reads the next chunk of a campaign when its rows are used up.
    async fn refill(&mut self, campaign: CampaignId) -> Result<(), DbError> {
        let key = self.lane.hold.key;
        let Some(walk) = self.walks.get_mut(&campaign) else { return Ok(()) };
        while !walk.has_rows() {
            if walk.ahead.is_empty() {
                if !walk.more {
                    return Ok(());
                }
                let chunks = ledger::open_chunks(&self.sending.pool, key, campaign, walk.cursor, 64).await?;
                walk.more = chunks.len() == 64;
                walk.cursor = chunks.last().map_or(walk.cursor, |chunk| chunk.no);
                walk.ahead = chunks.into();
            }
            let Some(chunk) = walk.ahead.pop_front() else { continue };
            let rows = ledger::read_chunk(&self.sending.pool, key, campaign, chunk).await?;
            walk.add_rows(chunk, rows);
        }
        Ok(())
    }

    /// Counts the chunks of which nothing is in memory any more: those with nothing left are done, those with planned rows are read again.
    async fn count_quiet_chunks(&mut self) -> Result<(), DbError> {
        let key = self.lane.hold.key;
        for (campaign, walk) in &mut self.walks {
            let quiet = walk.quiet_chunks();
            if quiet.is_empty() {
                continue;
            }
            for census in ledger::census(&self.sending.pool, key, *campaign, &quiet).await? {
                if census.planned > 0 {
                    walk.read_again(census.no);
                } else if census.is_done() {
                    walk.close(census.no);
                }
            }
        }
        Ok(())
    }

    /// Whether every claim of this lane was answered and every answer stored.
    fn has_nothing_in_hand(&self) -> bool {
        self.permits.available_permits() >= self.cap && self.lane.unstored.load(Ordering::Relaxed) == 0
    }

    /// Nothing was left to hand out: finishes what can be finished. Answers how the lane ends, or none when it has to go on.
    async fn empty_look(&mut self, runs: &[Run], seen_seq: i64) -> Result<Option<End>, DbError> {
        let key = self.lane.hold.key;
        if !self.has_nothing_in_hand() {
            self.wait(Duration::from_millis(50)).await;
            if !self.has_nothing_in_hand() {
                return Ok(None);
            }
        }
        for run in runs {
            // Nothing is in our hands: what is still claimed was claimed by nobody who knows.
            self.rescue(run, self.lane.hold.fence + 1).await?;
            if run.state == RunState::Cancelling {
                self.cancel(run.campaign).await?;
            }
        }
        ledger::forget_settled(&self.sending.pool, key).await?;
        self.count_quiet_chunks().await?;
        if self.walks.values().any(|walk| walk.control.is_sendable() && (!walk.is_exhausted() || walk.has_open_chunks())) {
            return Ok(None);
        }
        let mut cancelling = false;
        for run in runs {
            if run.state != RunState::Paused && ledger::finish(&self.sending.pool, key, run.campaign).await? == Finish::Unsent {
                cancelling |= run.state == RunState::Cancelling;
            }
        }
        let next_due = ledger::next_due(&self.sending.pool, key, self.can_send).await?;
        let wait = next_due.map_or(f64::INFINITY, |(_, seconds)| seconds.max(0.01));
        if cancelling || wait <= WORTH_WAITING_S {
            self.wait(Duration::from_secs_f64(wait.min(WORTH_WAITING_S))).await;
            return Ok(None);
        }
        Ok(Some(End::Idle { seen_seq, next_due: next_due.map(|(instant, _)| instant) }))
    }

    /// Cancels what was not sent.
    async fn cancel(&mut self, campaign: CampaignId) -> Result<(), DbError> {
        if let Some(walk) = self.walks.get_mut(&campaign) {
            walk.rewind();
        }
        let mut after = -1;
        while let Some(last) = ledger::cancel_batch(&self.sending.pool, self.lane.hold.key, campaign, after, CANCEL_CHUNKS).await? {
            after = last;
            if self.must_stop() {
                break;
            }
        }
        Ok(())
    }

    /// Waits for a wake-up or a stored outcome, at most `longest`.
    async fn wait(&self, longest: Duration) {
        tokio::select! {
            () = self.lane.wake.notified() => {}
            () = self.lane.stored.notified() => {}
            () = self.lane.stop.cancelled() => {}
            () = tokio::time::sleep(longest) => {}
        }
    }
}
