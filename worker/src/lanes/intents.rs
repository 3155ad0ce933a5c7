//! Intent writers: the claim is committed before a byte is written (W1).

use std::{sync::Arc, time::Duration};

use crm::campaigns::{
    ledger::{self, Claim, ClaimRequest, PlannedRow},
    model::MessageState,
};
use db::DbError;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Sending,
    lane::LaneShared,
    run::{ChunkTicket, RunControl},
    wire::Ready,
};

/// A few rows of one campaign, to be claimed together.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) lane: Arc<LaneShared>,
    pub(crate) run: Arc<RunControl>,
    /// Rows with the chunk they came from; none for rows off the straight path.
    pub(crate) rows: Vec<(PlannedRow, Option<ChunkTicket>)>,
    /// As many permits as rows to wait for a turn on the wire.
    pub(crate) ahead: OwnedSemaphorePermit,
    /// As many permits as rows: of the lane, and of the worker.
    pub(crate) permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// Claims slices until the channel closes.
pub(crate) async fn write_intents(sending: Arc<Sending>, slices: async_channel::Receiver<Slice>) {
    while let Ok(slice) = slices.recv().await {
        write(&sending, slice).await;
    }
}

async fn write(sending: &Sending, slice: Slice) {
    if slice.lane.stop.is_cancelled() || !slice.run.is_sendable() || !sending.guard.is_trusted(slice.lane.term) {
        return;
    }
    let nonce: i64 = rand::random();
    let mut seqs = Vec::with_capacity(slice.rows.len());
    let mut attempt_nos = Vec::with_capacity(slice.rows.len());
    let mut addresses = Vec::with_capacity(slice.rows.len());
    for (row, _) in &slice.rows {
        seqs.push(row.seq);
        attempt_nos.push(row.attempt_no);
        addresses.push(row.address.clone());
    }
    let request = ClaimRequest {
        lane: slice.lane.hold.key,
        owner: sending.owner,
        fence: slice.lane.hold.fence,
        campaign: slice.run.campaign,
        nonce,
        seqs: &seqs,
        attempt_nos: &attempt_nos,
        addresses: &addresses,
    };
    let claims = match ledger::claim(&sending.pool, &request).await {
        Ok(claims) => claims,
        Err(error) => {
            let Some(claims) = settle_doubt(sending, &slice, &request, &error).await else { return };
            claims
        }
    };
    if claims.len() < slice.rows.len() {
        // Somebody paused, cancelled, took over or finished rows: look again before the next slice.
        slice.lane.wake.notify_one();
    }
    hand_out(slice, nonce, &claims);
}

/// The answer to an intent was lost: what was committed is read back by its nonce, until that is known or the lease is over.
async fn settle_doubt(sending: &Sending, slice: &Slice, request: &ClaimRequest<'_>, error: &DbError) -> Option<Vec<Claim>> {
    if error.code().is_some() && !error.is_conflict() {
        tracing::error!(%error, campaign.id = %request.campaign, "an intent was refused by the database");
    }
    let mut wait = Duration::from_millis(50);
    loop {
        if slice.lane.hold.is_lost() {
            return None;
        }
        tokio::time::sleep(wait).await;
        match ledger::claims_of_nonce(&sending.pool, request).await {
            Ok(found) => return Some(found.into_iter().map(|(claim, _)| claim).collect()),
            Err(error) => {
                tracing::debug!(%error, "an intent whose answer was lost cannot be read back yet");
                wait = (wait * 2).min(Duration::from_secs(1));
            }
        }
    }
}

/// Passes the claimed rows on to the wire, each with its permits. Permits of the others come back at once.
fn hand_out(slice: Slice, nonce: i64, claims: &[Claim]) {
    let Slice { lane, run, rows, mut ahead, permits: (mut lane_permits, mut worker_permits) } = slice;
    for (row, ticket) in rows {
        if !claims.iter().any(|claim| claim.seq == row.seq && claim.state == MessageState::Claimed) {
            continue;
        }
        let (Some(ahead), Some(lane_permit), Some(worker_permit)) = (ahead.split(1), lane_permits.split(1), worker_permits.split(1)) else {
            debug_assert!(false, "a slice has a permit for every row");
            return;
        };
        let ready = Ready { run: Arc::clone(&run), row, nonce, ticket, ahead: Some(ahead), permits: (lane_permit, worker_permit) };
        // The wire outlives the planner; when it is gone the rows are rescued by the next owner.
        let _ = lane.wire.send(ready);
    }
}
