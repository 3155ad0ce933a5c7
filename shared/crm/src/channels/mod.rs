//! Channels: numbers that send and receive.
//!
//! A channel is not believed when it is created: a job reads the number and its account with the token, and only then is the channel
//! connected. So nobody can squat on a number, and a token that cannot read its number is named at once.

pub mod error;
pub mod jobs;
pub mod model;
pub mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use error::ChannelError;
pub use model::{Channel, ChannelPatch, ChannelState, NewChannel};
