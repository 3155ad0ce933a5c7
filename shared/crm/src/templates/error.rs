//! What can go wrong with templates.

use chrono::{DateTime, SecondsFormat, Utc};
use db::DbError;
use kernel::TemplateId;

use crate::{campaigns::CampaignError, channels::ChannelError, contacts::ContactError, fields::FieldErrors, files::FileError};

/// A use case of templates that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There is no such template in this organization.
    #[error("template `{0}` does not exist")]
    NotFound(TemplateId),
    /// The input breaks rules.
    #[error("the template is not valid")]
    Invalid(#[from] FieldErrors),
    /// The account has a template of this name in this language.
    #[error("the business account has a template of this name in this language")]
    NameTaken,
    /// Its status does not allow changing it.
    #[error("a template with status {0} cannot be changed")]
    NotEditable(String),
    /// A job takes a change of it to the provider.
    #[error("a change of the template is being submitted")]
    ChangeUnderWay,
    /// No change of it is being written.
    #[error("no change of template `{0}` is being written")]
    NoDraft(TemplateId),
    /// The provider takes no change of it before this instant.
    #[error("an approved template is changed once in 24 hours and ten times in 30 days: this one again from {}", .0.to_rfc3339_opts(SecondsFormat::Secs, true))]
    EditLimit(DateTime<Utc>),
    /// Its status does not allow submitting it.
    #[error("a template with status {0} cannot be submitted")]
    NotSubmittable(String),
    /// Its status does not allow deleting it.
    #[error("a template with status {0} cannot be deleted")]
    NotDeletable(String),
    /// The account has no template of this name.
    #[error("the business account has no template of this name")]
    NoSuchName,
    /// Its channel has lost the right to its number.
    #[error("the channel of the template is not connected")]
    ChannelNotConnected,
    /// Campaigns refer to it, or are under way with it.
    #[error("the template is used by campaigns")]
    InUse,
    /// A channel could not be read.
    #[error("cannot read the template's channel")]
    Channel(#[source] ChannelError),
    /// A contact could not be read.
    #[error("cannot read the contact")]
    Contact(#[source] ContactError),
    /// The library has no such starter.
    #[error("the library has no such template")]
    NoStarter,
    /// A sample could not be kept.
    #[error("cannot keep the samples of the template")]
    File(#[source] FileError),
    /// The campaigns that use it could not follow.
    #[error("cannot have the template's campaigns follow it")]
    Campaign(#[source] CampaignError),
    /// The database refused or is away.
    #[error("cannot reach the rows of templates")]
    Store(#[source] DbError),
}

impl From<DbError> for TemplateError {
    fn from(error: DbError) -> Self {
        match (error.constraint(), error.code().as_deref()) {
            (Some("templates_name"), _) => Self::NameTaken,
            // 23503: a row that refers to the template.
            (_, Some("23503")) => Self::InUse,
            _ => Self::Store(error),
        }
    }
}
