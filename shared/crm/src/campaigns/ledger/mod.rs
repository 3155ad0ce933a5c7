//! The recipient ledger: the statements by which a campaign's rows change state while it is being sent.
//!
//! All run on [`db::LedgerPool`] as single autocommit statements, name the organization first, and lock the rows they change in key order before
//! they change them. `ARCHITECTURE.md` has the rules (W1–W4) that they keep.

mod cancel;
mod chunks;
mod due;
mod exceptions;
mod finish;
mod intents;
mod outcomes;
mod rescue;
mod restored;
mod rollup;
mod runs;
mod settle;

pub use cancel::cancel_batch;
pub use chunks::{Chunk, ChunkCensus, PlannedRow, census, open_chunks, read_chunk};
pub use due::{DueRow, due_rows, forget_settled, next_due};
pub use exceptions::except_from_marketing;
pub use finish::{Finish, finish};
pub use intents::{Claim, ClaimRequest, IntentAnswer, claim, claims_of_nonce};
pub use outcomes::{Outcome, OutcomeRow, record};
pub use rescue::rescue;
pub use restored::{Gap, LedgerFacts, doubt_restored, ledger_beat, ledger_facts, pause_restored};
pub use rollup::roll_up;
pub use runs::{ChannelSending, Run, RunState, channel_for_sending, open_runs, pause_for_reason};
pub use settle::settle_unknown;
