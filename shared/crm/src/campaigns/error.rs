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
    /// A change of the template is on its way to the provider.
    #[error("a change of the template is being submitted: wait until the provider has taken it")]
    TemplateBeingEdited,
    /// The template has another content than the one whose values were frozen.
    #[error(
        "the template's content changed since the launch: version {launched} was frozen, {now} is the one that would be sent; say that it is \
         accepted to go on"
    )]
    TemplateChanged {
        /// The version that was launched.
        launched: i32,
        /// The version that would be sent now.
        now: i32,
    },
    /// The template's new content wants other values than those that were frozen.
    #[error("the template's content changed since the launch, and version {now} wants other variables: the campaign cannot go on with it")]
    TemplateVariablesChanged {
        /// The version that would be sent now.
        now: i32,
    },
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
