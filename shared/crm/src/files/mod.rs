//! Files that organizations upload and keep: their logos, and samples for the headers of templates.
//!
//! A file is a row and an object. The row is written first, as `pending`; then the object, under a key that nobody had before; then one transaction
//! makes the row `live`, attaches it, and marks the file in its place as `replaced`. Whatever breaks in between leaves an old file that is
//! whole, and at worst a row or an object too many, which the sweep ([`jobs::SweepOrphans`]) finds.
//!
//! A sample is live once a template names it; which one does is read from the templates, and only by the sweep.

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
