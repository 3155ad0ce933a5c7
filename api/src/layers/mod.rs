//! What surrounds every handler.

pub mod bounds;
pub mod headers;
pub mod observe;
pub mod rate;
pub mod request_id;
