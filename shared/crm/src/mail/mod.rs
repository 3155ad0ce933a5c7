//! Mail out: a ledger of what is to be sent, the texts, the job that hands a mail over, and what comes back.
//!
//! [`queue`] writes a row and its job in the transaction that makes the mail necessary. Links are not kept: the job derives them from the
//! token's id, so that a mail which has to be sent again carries the same link under the same `Message-ID`.
//!
//! Texts are templates that an organization may change. What a text can do is small on purpose (see `language` and `markup`): it cannot
//! compute for long, and it cannot tell a link to anybody but the reader.

pub mod bounces;
mod builtin;
mod error;
pub mod jobs;
mod language;
mod links;
mod markup;
mod model;
mod render;
pub mod service;
mod store;
#[cfg(test)]
mod tests;
mod values;

pub use error::MailError;
pub use links::Links;
pub use model::{Mail, MailFilter, MailKind, MailState, MailTemplate, MailText, NewMail};
pub use render::BrokenText;
pub use service::queue;
