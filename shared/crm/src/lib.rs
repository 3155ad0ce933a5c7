//! The domains of the CRM. Each has a model (pure), a store (all its SQL), a service (use cases), an error, and its jobs.

#[cfg(test)]
mod arranged;
pub mod campaigns;
pub mod channels;
pub mod contacts;
pub mod fields;
#[cfg(test)]
mod graph_stub;
pub mod identity;
pub mod lanes;
pub mod maintenance;
pub mod organizations;
pub mod templates;
pub mod webhooks;
pub mod secrets;
