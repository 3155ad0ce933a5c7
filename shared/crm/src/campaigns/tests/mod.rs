//! The ledger under races, take-overs and odd orders, on a real database.

mod claims;
mod deactivated;
mod following;
mod freezing;
mod plans;
mod restored;
mod stage;
mod takeovers;
mod unknowns;
