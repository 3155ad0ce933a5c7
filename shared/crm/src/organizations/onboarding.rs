//! The checklist of a new organization: what was done already, told from the records. Nothing on it is ever demanded.

use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::{Clock, UserId};

use super::{error::OrganizationError, model::Organization, service, store};
use crate::audit::{self, Act, Actor};

/// A thing to do. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepKey {
    /// Whoever asks has proved the e-mail address.
    EmailVerified,
    /// The profile says what the business is and where.
    ProfileCompleted,
    /// There is a logo.
    LogoUploaded,
    /// The number to be used is known. Optional, like all of it.
    WhatsappNumberGiven,
    /// A number is connected.
    ChannelConnected,
    /// A template may be sent.
    TemplateApproved,
    /// There is somebody to write to.
    ContactsAdded,
    /// A campaign was launched.
    CampaignLaunched,
    /// There is a second member, at least invited.
    ColleagueInvited,
}

/// A line of the checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What there is to do.
    pub key: StepKey,
    /// Whether it is done.
    pub done: bool,
    /// Fields of the profile that are still empty, where that is what is missing.
    pub missing: Vec<&'static str>,
}

/// The checklist.
#[derive(Clone, Debug)]
pub struct Onboarding {
    /// In the order in which they make sense.
    pub steps: Vec<Step>,
    /// When somebody put it away.
    pub dismissed_at: Option<DateTime<Utc>>,
}

impl Onboarding {
    /// How many lines are done.
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.done).count()
    }
}

/// What the records say.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each question")]
pub(super) struct Facts {
    pub(super) email_verified: bool,
    pub(super) channel_connected: bool,
    pub(super) template_approved: bool,
    pub(super) has_contacts: bool,
    pub(super) campaign_launched: bool,
    pub(super) colleague_invited: bool,
}

/// The checklist for `user`; for a program it is that of any member.
pub async fn read(tx: &mut TenantTx, user: Option<UserId>) -> Result<Onboarding, OrganizationError> {
    let organization = service::current(tx).await?;
    let facts = store::onboarding_facts(tx, user).await?;
    Ok(Onboarding { steps: steps(&organization, facts), dismissed_at: organization.onboarding_dismissed_at })
}

/// Puts the checklist away for everybody. Doing so again changes nothing.
pub async fn dismiss(tx: &mut TenantTx, clock: &dyn Clock, actor: Actor) -> Result<(), OrganizationError> {
    set_dismissed(tx, clock, actor, true).await
}

/// Takes the checklist out again.
pub async fn restore(tx: &mut TenantTx, clock: &dyn Clock, actor: Actor) -> Result<(), OrganizationError> {
    set_dismissed(tx, clock, actor, false).await
}

async fn set_dismissed(tx: &mut TenantTx, clock: &dyn Clock, actor: Actor, dismissed: bool) -> Result<(), OrganizationError> {
    store::lock(tx).await?;
    let organization = service::current(tx).await?;
    if organization.onboarding_dismissed_at.is_some() == dismissed {
        return Ok(());
    }
    let now = clock.now();
    store::update_onboarding(tx, dismissed.then_some(now)).await?;
    let action = if dismissed { "organizations.dismissOnboarding" } else { "organizations.restoreOnboarding" };
    audit::record(tx, organization.id, now, Act::new(actor, action).on("organizations", organization.id)).await?;
    Ok(())
}

fn steps(organization: &Organization, facts: Facts) -> Vec<Step> {
    let Organization { business_category, address, city, country, logo, whatsapp_number, .. } = organization;
    let profile = [
        ("businessCategory", business_category.is_empty()),
        ("address", address.is_empty()),
        ("city", city.is_empty()),
        ("country", country.is_none()),
    ];
    let missing: Vec<_> = profile.into_iter().filter(|(_, empty)| *empty).map(|(field, _)| field).collect();
    let step = |key, done| Step { key, done, missing: Vec::new() };
    vec![
        step(StepKey::EmailVerified, facts.email_verified),
        Step { key: StepKey::ProfileCompleted, done: missing.is_empty(), missing },
        step(StepKey::LogoUploaded, logo.is_some()),
        step(StepKey::WhatsappNumberGiven, whatsapp_number.is_some()),
        step(StepKey::ChannelConnected, facts.channel_connected),
        step(StepKey::TemplateApproved, facts.template_approved),
        step(StepKey::ContactsAdded, facts.has_contacts),
        step(StepKey::CampaignLaunched, facts.campaign_launched),
        step(StepKey::ColleagueInvited, facts.colleague_invited),
    ]
}
