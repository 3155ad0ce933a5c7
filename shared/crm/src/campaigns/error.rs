//! What can go wrong with a campaign.

use db::DbError;
use kernel::CampaignId;

use super::model::CampaignState;
use crate::fields::FieldErrors;

/// Why a campaign did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// There is none with this id.
    #[error("campaign `{0}` does not exist")]
    NotFound(CampaignId),
    /// The input breaks rules.
    #[error("the campaign is not valid")]
    Invalid(#[from] FieldErrors),
    /// Its state does not allow it.
    #[error("a campaign that is {} cannot be {verb}", state.as_str())]
    WrongState {
        /// Its state.
        state: CampaignState,
        /// What was asked, as a past participle.
        verb: &'static str,
    },
    /// The template is not approved.
    #[error("the template is {0}, only an approved one can be sent")]
    TemplateNotApproved(String),
    /// The number is not connected.
    #[error("the channel is {0}, only a connected one can send")]
    ChannelNotConnected(String),
    /// The organization is switched off.
    #[error("the organization is deactivated: nothing is sent")]
    OrganizationDeactivated,
    /// Nobody matches.
    #[error("no contact matches the audience")]
    EmptyAudience,
    /// The database failed.
    #[error("cannot reach the campaign's rows")]
    Store(#[from] DbError),
}

impl From<sqlx::Error> for CampaignError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
