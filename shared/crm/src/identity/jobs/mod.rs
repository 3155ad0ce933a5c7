//! Background work of identity.

mod purge;
mod request_password_reset;

pub use purge::Purge;
pub use request_password_reset::RequestPasswordReset;
