//! What clients are told when a template does not do what was asked.

use crm::templates::TemplateError;

use crate::problem::Problem;

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::NotFound(_) => Self::not_found("template-not-found", &error),
            TemplateError::Invalid(errors) => errors.into(),
            TemplateError::NameTaken => Self::conflict("template-name-taken", &error),
            TemplateError::NotEditable(_) => Self::conflict("template-not-editable", &error),
            TemplateError::NotSubmittable(_) => Self::conflict("template-not-submittable", &error),
            TemplateError::ChannelNotConnected => Self::conflict("channel-not-connected", &error),
            TemplateError::InUse => Self::conflict("template-in-use", &error),
            TemplateError::Channel(error) => error.into(),
            TemplateError::Contact(error) => error.into(),
            TemplateError::Store(_) => Self::internal(&error),
        }
    }
}
