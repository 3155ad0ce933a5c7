//! Message templates: written here, approved by the provider, rendered by the sender.
//!
//! The status of a template has two sources, webhooks and reading; both go through [`service::apply_status_update`], which changes nothing
//! when nothing is new. The rules that a template must keep before it is submitted are data in [`rules`].

pub mod error;
pub mod jobs;
pub mod model;
pub mod news;
pub mod preview;
pub mod rules;
pub mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use error::TemplateError;
pub use model::{
    Category, FieldProblem, NewTemplate, ParameterFormat, StatusUpdate, Template, TemplateEvent, TemplateFilter, TemplateKey, TemplatePatch,
};
pub use preview::{Preview, VariableValue};
