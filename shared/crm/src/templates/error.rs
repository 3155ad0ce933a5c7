//! What can go wrong with templates.

use db::DbError;
use kernel::TemplateId;

use crate::{channels::ChannelError, contacts::ContactError, fields::FieldErrors};

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
    /// The provider has it, so it cannot be changed here any more.
    #[error("a template with status {0} cannot be changed")]
    NotEditable(String),
    /// Its status does not allow submitting it.
    #[error("a template with status {0} cannot be submitted")]
    NotSubmittable(String),
    /// Its channel has lost the right to its number.
    #[error("the channel of the template is not connected")]
    ChannelNotConnected,
    /// Campaigns refer to it.
    #[error("the template is used by campaigns")]
    InUse,
    /// A channel could not be read.
    #[error("cannot read the template's channel")]
    Channel(#[source] ChannelError),
    /// A contact could not be read.
    #[error("cannot read the contact")]
    Contact(#[source] ContactError),
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
