//! Campaigns: who gets which message, and the ledger of what happened to each.

mod counters;
mod error;
mod following;
mod freeze;
pub mod jobs;
pub mod ledger;
pub mod model;
pub mod recipients;
pub mod service;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod validation;

pub use counters::Counters;
pub use error::CampaignError;
pub(crate) use following::held_templates;
pub use following::{Followed, Freshness, TemplateNow, follow_template, look_at_template};
pub use settings::Settings;
