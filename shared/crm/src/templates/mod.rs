//! Message templates: written here, approved by the provider, rendered by the sender.
//!
//! How a template stands is told by webhooks, by looks at the provider and by the jobs that change something there; all go through [`news`],
//! which changes nothing when nothing is new, and has campaigns follow. The rules that a template must keep before it is submitted are data in [`rules`].

mod creations;
pub mod error;
pub mod jobs;
pub mod library;
mod likeness;
pub mod media;
pub mod model;
pub mod news;
pub mod preview;
mod refusal;
pub mod rules;
pub mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use error::TemplateError;
pub use model::{
    Category, DraftState, FieldProblem, NewTemplate, ParameterFormat, Template, TemplateDraft, TemplateEvent, TemplateFilter, TemplateKey,
    TemplatePatch, TemplateVersion, TemplateView, TtlChange,
};
pub use preview::{Preview, VariableValue};
