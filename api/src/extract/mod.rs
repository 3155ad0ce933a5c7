//! What handlers ask of a request, each failing with a problem document.
//!
//! A handler names the right it needs first: who may not ask learns nothing of the rest.

mod client;
mod json;
mod paging;
mod path;
mod query;
mod tenant;

pub use client::Client;
pub use json::{Json, OptionalJson};
pub use paging::{PageBody, PageParams, Paging};
pub use path::Path;
pub use query::Query;
pub use tenant::{Allowed, Tenant};
