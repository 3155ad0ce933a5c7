//! Background work of templates.

mod poll;
mod provider;
mod submit;
mod sync;

pub use poll::Poll;
pub use submit::Submit;
pub use sync::Sync;
