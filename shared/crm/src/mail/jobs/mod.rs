//! Background work of mail.

mod purge;
mod send;

pub use purge::Purge;
pub use send::Send;
