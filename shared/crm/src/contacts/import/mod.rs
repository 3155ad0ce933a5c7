//! Import of contacts from an uploaded CSV file.
//!
//! The file lies in the object store; a job reads it in windows, so memory does not grow with the file. One transaction for each batch
//! of rows writes the contacts, the rejections, the counts and the place in the file: a crash repeats a batch or does not, never half of one.
//!
//! What a row does, in short: it creates a contact, or adds to one. Empty cells erase nothing, tags and attributes are added, an opt-out
//! is never lifted. The first row of a number counts and later ones of the same file are skipped; with the last one winning, the same file
//! again would change contacts back and forth. So the same file again changes nothing.

pub mod export;
pub mod framing;
pub mod job;
pub mod layout;
pub mod model;
pub mod rows;
pub mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use job::Import;
pub use layout::Mapping;
pub use model::{ContactImport, ImportError, ImportState, NewImport, Rejection};
