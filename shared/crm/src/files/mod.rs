//! Files that organizations upload and keep: today their logos.
//!
//! A file is a row and an object. The row is written first, as `pending`; then the object, under a key that nobody had before; then one transaction
//! makes the row `live`, attaches it, and marks the file in its place as `replaced`. Whatever breaks in between leaves an old file that is
//! whole, and at worst a row or an object too many, which the sweep ([`jobs::SweepOrphans`]) finds.

mod error;
pub mod jobs;
mod links;
pub mod logo;
mod model;
pub mod service;
mod store;
pub mod testing;
#[cfg(test)]
mod tests;

pub use error::FileError;
pub use links::{FileLinks, LINK_LASTS};
pub use model::{File, FileKind, NewFile};
