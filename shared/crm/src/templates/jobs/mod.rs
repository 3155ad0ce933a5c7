//! Background work of templates.

mod access;
mod delete;
mod poll;
mod provider;
mod reconcile;
mod refresh;
mod submit;
mod sync;

pub use delete::Delete;
pub use poll::Poll;
pub use reconcile::Reconcile;
pub use refresh::{Refresh, Wait};
pub use submit::Submit;
pub use sync::Sync;
