//! Requests that must not take effect twice, by the key that their sender chose.
//!
//! A key belongs to an organization and to the user or API key that sent it. Its row goes from `running` to `executed` in the very transaction
//! that makes the request take effect, and to `answered` when the answer is kept. A repetition gets the kept answer. When the first one died
//! before it took effect, a repetition takes its turn once its lease has ended; the number of the attempt is the fence, so that the first one,
//! should it still live, cannot commit any more. What took effect is never done again, whatever became of its answer.

mod error;
mod jobs;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::IdempotencyError;
pub use jobs::Purge;
pub use model::{Answer, Beginning, IdempotencyKey, KEPT_FOR, LEASE, Sender, Turn};
pub use service::{begin, give_back, guard, keep};
