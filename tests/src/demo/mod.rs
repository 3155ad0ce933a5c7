//! The demo of `deploy/local up`: a tenant, a thousand people, one campaign, and the proof that each got exactly one message.
//!
//! It talks HTTP to the API, as any program of a customer would, and reads the provider simulator's ledger for the proof.

pub(crate) mod client;
mod journey;
mod ledger;
mod people;
mod progress;
mod state;

use std::path::PathBuf;

pub use self::{client::wait_until_ready, journey::run};

/// Where the stack is and what to send.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Base address of the API.
    pub api: String,
    /// Base address of the provider simulator.
    pub simulator: String,
    /// File that keeps the demo tenant between runs.
    pub state: PathBuf,
    /// How many people get a message; at most 4,000.
    pub recipients: usize,
    /// Rate of the demo's number, in messages per second.
    pub messages_per_second: u32,
}
