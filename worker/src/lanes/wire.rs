//! The wire: one token, one check of the flags, one request for every claimed row.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use crm::campaigns::ledger::{Outcome, OutcomeRow, PlannedRow};
use kernel::{AttemptId, attempt::AttemptKind};
use providers::whatsapp::{SendNumber, SendOutcome};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinSet,
    time::Instant,
};
use tracing::Instrument;

use super::{
    Sending,
    lane::LaneShared,
    outcomes::Settled,
    reaction,
    run::{ChunkTicket, RunControl},
};

/// A claimed row on its way to the provider.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) run: Arc<RunControl>,
    pub(crate) row: PlannedRow,
    pub(crate) nonce: i64,
    pub(crate) ticket: Option<ChunkTicket>,
    /// Given back when it is this row's turn: then the next one may be claimed.
    pub(crate) ahead: Option<OwnedSemaphorePermit>,
    pub(crate) permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// Counts failures to reach the provider in a row, to slow down while it is away.
#[derive(Debug, Default)]
pub(crate) struct Reach(AtomicU32);

impl Reach {
    pub(crate) fn note(&self, reached: bool) {
        if reached {
            if self.0.load(Ordering::Relaxed) != 0 {
                self.0.store(0, Ordering::Relaxed);
            }
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Time between two requests while the provider cannot be reached: from 0.25 s, doubling to 5 s.
    pub(crate) fn rest(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            failures => Some(Duration::from_millis(250 << (failures - 1).min(5)).min(Duration::from_secs(5))),
        }
    }
}

/// Sends what is ready until the lane's planner is done and nothing is left. Rows that must not be written any more are given back as not written.
pub(crate) async fn run(sending: Arc<Sending>, lane: Arc<LaneShared>, number: SendNumber, mut ready: mpsc::UnboundedReceiver<Ready>) {
    let mut requests = JoinSet::new();
    while let Some(row) = ready.recv().await {
        while requests.try_join_next().is_some() {}
        if !may_write(&sending, &lane, &row.run) || !wait_for_turn(&lane, &row.run).await || !may_write(&sending, &lane, &row.run) {
            settle(&sending, &lane, row, Outcome::NotWritten { delay_s: 0.0 }).await;
            continue;
        }
        // Off by default: at a thousand a second a span for each message is for debugging only.
        let span = tracing::debug_span!("provider.send", campaign.id = %row.run.campaign, seq = row.row.seq, attempt = row.row.attempt_no);
        requests.spawn(send(Arc::clone(&sending), Arc::clone(&lane), number.clone(), row).instrument(span));
    }
    while requests.join_next().await.is_some() {}
}

fn may_write(sending: &Sending, lane: &LaneShared, run: &RunControl) -> bool {
    !lane.stop.is_cancelled() && run.is_sendable() && lane.hold.is_trusted() && sending.guard.is_trusted(lane.term)
}

/// Takes the tokens of campaign and number; false when the lane was stopped meanwhile.
async fn wait_for_turn(lane: &LaneShared, run: &RunControl) -> bool {
    let turn = async {
        if let Some(rest) = lane.reach.rest() {
            tokio::time::sleep(rest).await;
        }
        if let Some(pace) = &run.pace {
            pace.token().await;
        }
        lane.pace.token().await;
    };
    tokio::select! {
        biased;
        () = turn => true,
        () = lane.stop.cancelled() => false,
    }
}

async fn send(sending: Arc<Sending>, lane: Arc<LaneShared>, number: SendNumber, mut ready: Ready) {
    ready.ahead = None;
    let attempt = AttemptId {
        kind: AttemptKind::Campaign,
        id: ready.run.campaign.uuid(),
        seq: ready.row.seq,
        attempt_no: ready.row.attempt_no,
        nonce: ready.nonce,
    };
    let outcome = match render(&ready, &attempt) {
        Err(reason) => Outcome::Failed { code: None, reason },
        Ok(body) => {
            let begin = Instant::now();
            let answer = sending.client.send(&number, body).await;
            metrics::histogram!("provider_request_seconds").record(begin.elapsed().as_secs_f64());
            lane.reach.note(!matches!(answer, SendOutcome::NotSent { .. }));
            reaction::react(&sending, &lane, &ready, answer).await
        }
    };
    settle(&sending, &lane, ready, outcome).await;
}

/// Renders one message. A row that cannot be rendered fails with the reason; a panic in rendering is one of the reasons.
fn render(ready: &Ready, attempt: &AttemptId) -> Result<Bytes, String> {
    let variables = reaction::Values { names: &ready.run.names, values: &ready.row.variables };
    let rendered = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut body = Vec::with_capacity(640);
        ready.run.template.render(&ready.row.address, &variables, &attempt.encode(), &mut body).map(|()| body)
    }));
    match rendered {
        Ok(Ok(body)) => Ok(Bytes::from(body)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("rendering the message failed unexpectedly".into()),
    }
}

/// Queues the outcome, and gives the permits back: the slot on the wire is free.
async fn settle(sending: &Sending, lane: &Arc<LaneShared>, ready: Ready, outcome: Outcome) {
    let Ready { run, row, nonce, ticket, ahead, permits } = ready;
    // Counted before the permits go: a lane with all its permits and nothing unstored has nothing in its hands.
    lane.unstored.fetch_add(1, Ordering::Relaxed);
    drop((ahead, permits));
    let row = OutcomeRow { lane: lane.hold.key, campaign: run.campaign, seq: row.seq, attempt_no: row.attempt_no, nonce, outcome };
    let settled = Settled { row, lane: Arc::clone(lane), ticket };
    if sending.outcomes.send(settled).await.is_err() {
        tracing::error!("an outcome was lost: its writers are gone");
    }
}
