//! What handlers ask of a request, each failing with a problem document.
//!
//! A handler names the right it needs first: who may not ask learns nothing of the rest.

mod allowed;
mod change;
mod client;
mod json;
mod paging;
mod path;
mod query;
mod strict;
mod tenant;

pub use allowed::{Allowed, Member, SteppedUp};
pub(crate) use change::change;
pub use client::Client;
pub use json::{Json, OptionalJson};
pub use paging::{PageBody, PageParams, Paging};
pub use path::Path;
pub use query::Query;
pub use tenant::{API_KEY, Tenant};
