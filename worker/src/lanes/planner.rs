//! The planner of a lane: decides what is claimed next, and when the lane has nothing to do.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crm::{
    campaigns::ledger::{self, ChannelSending, Finish, PlannedRow, Run, RunState},
    lanes,
};
use db::DbError;
use kernel::CampaignId;
use tokio::{sync::Semaphore, time::Instant};

use super::{
    Sending,
    intents::Slice,
    lane::{End, LaneShared, ROWS_OF_INTENT},
    pace::Pace,
    run::{ChunkTicket, RunControl, Walk},
};

/// How often a busy lane looks again at its runs and at what fell due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shortest time between two looks, however often the lane is woken.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Rows off the straight path that one look picks up, and unknown rows that one statement settles.
const DUE_ROWS: i64 = 500;
/// Chunks cancelled by one statement.
const CANCEL_CHUNKS: i64 = 20;
/// How far a lane's next due row may lie ahead for the lane to be kept instead of given back.
const WORTH_WAITING_S: f64 = 1.0;

/// The planner: decides what is claimed next.
pub(super) struct Planner {
    pub(super) sending: Arc<Sending>,
    pub(super) lane: Arc<LaneShared>,
    pub(super) can_send: bool,
    pub(super) permits: Arc<Semaphore>,
    /// Claims that may wait for their turn.
    pub(super) ahead: Arc<Semaphore>,
    pub(super) cap: usize,
    pub(super) walks: BTreeMap<CampaignId, Walk>,
    /// Which walk is next, so that campaigns of one number take turns.
    pub(super) next_walk: usize,
    /// The number as it was when the lane was set up. Its rate bounds what may be in flight: a slice must never be larger than that.
    pub(super) set_up_with: Option<ChannelSending>,
}

impl Planner {
    /// Plans until the lane is idle or must stop.
    pub(super) async fn plan(&mut self) -> Result<End, DbError> {
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
            // A content that was accepted is sent by a walk of its own; what the old one still holds is given back unsent.
            let outdated = self.walks.get(&run.campaign).is_some_and(|walk| walk.is_outdated(run));
            if outdated && let Some(walk) = self.walks.remove(&run.campaign) {
                walk.control.set_sendable(false);
            }
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
