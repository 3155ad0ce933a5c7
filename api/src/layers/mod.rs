//! What surrounds every handler.

pub mod body;
pub mod bounds;
pub mod client;
pub mod form;
pub mod headers;
pub mod idempotency;
pub mod observe;
pub mod rate;
pub mod request_id;
