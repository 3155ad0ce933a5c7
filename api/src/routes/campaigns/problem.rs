//! What clients are told when a campaign does not do what was asked.

use crm::campaigns::CampaignError;

use crate::problem::Problem;

impl From<CampaignError> for Problem {
    fn from(error: CampaignError) -> Self {
        match error {
            CampaignError::NotFound(_) => Self::not_found("campaign-not-found", &error),
            CampaignError::Invalid(errors) => errors.into(),
            CampaignError::WrongState { .. } => Self::conflict("campaign-state", &error),
            CampaignError::TemplateNotApproved(_) => Self::conflict("template-not-approved", &error),
            CampaignError::TemplateBeingEdited => Self::conflict("template-being-edited", &error),
            CampaignError::TemplateChanged { .. } | CampaignError::TemplateVariablesChanged { .. } => {
                Self::conflict("template-changed", &error)
            }
            CampaignError::ChannelNotConnected(_) => Self::conflict("channel-not-connected", &error),
            CampaignError::OrganizationDeactivated => Self::conflict("organization-deactivated", &error),
            CampaignError::EmptyAudience => Self::conflict("audience-empty", &error),
            CampaignError::Store(error) => Self::internal(&error),
        }
    }
}
