//! The domains of the CRM. Each has a model (pure), a store (all its SQL), a service (use cases), an error, and its jobs, as far as it needs them.
//!
//! * [`organizations`], [`identity`]: tenants; accounts, logins and rights.
//! * [`contacts`], [`channels`], [`templates`]: people and their import; numbers; what is sent to them.
//! * [`campaigns`]: who gets which message. [`campaigns::ledger`] holds the statements that make sending safe against any crash.
//! * [`lanes`]: leases on numbers. [`webhooks`]: what the provider tells, stored and then applied.
//! * [`files`]: what organizations upload and keep.
//! * [`audit`], [`secrets`], [`idempotency`], [`maintenance`], [`fields`]: who did what; sealed tokens; requests that take effect once;
//!   partitions; what is wrong with which field of an input.
//!
//! A domain calls another's service, never its store; a store calls no service. Nothing here knows routes, processes or settings: what a job
//! or use case needs is handed in.

#[cfg(test)]
mod arranged;
pub mod audit;
pub mod campaigns;
pub mod channels;
pub mod contacts;
pub mod fields;
pub mod files;
#[cfg(test)]
mod graph_stub;
pub mod idempotency;
pub mod identity;
pub mod lanes;
pub mod mail;
pub mod maintenance;
pub mod organizations;
pub mod secrets;
mod spreadsheet;
pub mod templates;
pub mod webhooks;
