//! Jobs of keys.

mod purge;

pub use purge::Purge;
