//! What clients are told when a template does not do what was asked.

use crm::templates::TemplateError;

use crate::problem::Problem;

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::NotFound(_) | TemplateError::NoSuchName => Self::not_found("template-not-found", &error),
            TemplateError::Invalid(errors) => errors.into(),
            TemplateError::NameTaken => Self::conflict("template-name-taken", &error),
            TemplateError::NotEditable(_) | TemplateError::ChangeUnderWay => Self::conflict("template-not-editable", &error),
            TemplateError::NoDraft(_) => Self::not_found("template-draft-not-found", &error),
            TemplateError::EditLimit(_) => Self::conflict("template-edit-limit", &error),
            TemplateError::NotSubmittable(_) => Self::conflict("template-not-submittable", &error),
            TemplateError::NotDeletable(_) => Self::conflict("template-not-deletable", &error),
            TemplateError::ChannelNotConnected => Self::conflict("channel-not-connected", &error),
            TemplateError::InUse => Self::conflict("template-in-use", &error),
            TemplateError::Channel(error) => error.into(),
            TemplateError::Contact(error) => error.into(),
            TemplateError::Campaign(error) => error.into(),
            TemplateError::NoStarter => Self::not_found("library-template-not-found", &error),
            TemplateError::File(error) => error.into(),
            TemplateError::Store(_) => Self::internal(&error),
        }
    }
}
