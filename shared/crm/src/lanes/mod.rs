//! Lanes: who may send on which number.
//!
//! A lane is a lease on a number, not a job. Workers write `lanes`; producers only bump `lane_signals`, as the last statement before their commit,
//! so that a frozen producer never blocks a renewal.

mod announcer;
mod leases;
mod signals;

pub use announcer::{LANES_CHANNEL, LaneAnnouncer};
pub use leases::{Lane, LaneKey, LaneRate, LeaseLost, Renewal, give_back, renew, rest, take, wake_seq};
pub use signals::{create, signal};
