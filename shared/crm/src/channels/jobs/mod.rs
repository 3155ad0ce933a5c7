//! Background work of channels.

mod connect;

pub use connect::Connect;
