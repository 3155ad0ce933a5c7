//! All SQL of the raw store and of the fold.

mod late;
mod listing;
mod queue;
mod statuses;

pub(super) use late::apply_late;
pub(super) use listing::{find, list, replay};
pub(super) use queue::{
    Settled, Taken, announce, guard_plans, insert_bodies, maintain_partitions, organizations_of_accounts, owners_of_numbers, park, settle,
    signal_lanes, take,
};
pub(super) use statuses::{Touched, apply, rows_of_provider_ids};
