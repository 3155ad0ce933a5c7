//! The WhatsApp Business Cloud API: sending, managing templates and numbers, reading webhooks.
//!
//! The sending path is three calls:
//!
//! ```ignore
//! let template = CompiledTemplate::compile(&content)?;             // once for each campaign
//! let number = client.number(phone_number_id, &token)?;            // once for each lane
//! template.render(to, &variables, &opaque, &mut buffer)?;          // for each recipient
//! let outcome = client.send(&number, Bytes::from(std::mem::take(&mut buffer))).await;
//! ```

mod client;
pub mod codes;
pub mod formatting;
mod json;
mod lenient;
mod management;
mod outcome;
pub mod template;
mod text;
pub mod webhook;
mod write_once;

#[cfg(test)]
mod client_tests;

pub use client::{ClientError, CloudClient, CloudOptions, SendNumber};
pub use codes::Reaction;
pub use management::{
    CreatedTemplate, Fate, GraphError, NewTemplate, NewUpload, QualityScore, RemoteNumber, RemoteTemplate, TemplateEdit, TemplateFilter,
    TemplatePage, Throughput, UnpauseAnswer, UploadPart, UploadSession,
};
pub use outcome::{AmbiguousCause, NotSentCause, Rejection, SendOutcome};
pub use template::{CompileError, CompiledTemplate, RenderError, RenderedText, Variables};
pub use text::{TextError, TextMessage};
