//! A campaign follows its template: it stops while the template may not be sent, or is not the one that was launched, and goes on by itself
//! once all is as it was.
//!
//! Locks are taken in one order: the template's row, campaigns by id, their runs, the signals of lanes, the end of the audit log. News of a
//! template hold its row while they change campaigns; whoever sets a campaign going holds it against news. So each of the two comes wholly
//! before or wholly after the other, and no campaign runs with a template that was paused a moment before.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use db::TenantTx;
use kernel::{CampaignId, ChannelId, Clock, TemplateId};
use queue::Enqueue;
use serde_json::json;

use super::{
    CampaignError,
    model::{Campaign, CampaignState, UnknownPolicy},
    service::{DEACTIVATED, find, go_on, set_paused},
    store::{self, Launched, Template},
    validation,
};
use crate::{
    audit::{self, Act, Actor},
    lanes, organizations,
    templates::jobs::Refresh,
};

/// Status of a template that may be sent.
const SENDABLE: &str = "APPROVED";
/// Statuses from which no template returns.
const FINAL: [&str; 3] = ["DELETED", "DELETING", "PENDING_DELETION"];
/// Why a lane pauses a campaign for the template's sake: paused, disabled, unknown at the provider.
const LANE_REASONS: [&str; 3] = ["pauseTemplate:132015", "pauseTemplate:132016", "pauseTemplate:132001"];
/// Why a campaign waits while a change of its template is on its way to the provider.
const BEING_EDITED: &str = "template:EDITING";
/// How soon it is looked again whether the change has ended: one that is refused is no news of the template.
const EDITED_AGAIN: TimeDelta = TimeDelta::minutes(1);
/// Campaigns stopped by the provider's refusals are not set going again by an unchanged template before this time has passed: what is read
/// may lag behind what is refused. It doubles with each such stop in a row.
const DOUBT_FOR: TimeDelta = TimeDelta::seconds(15);
/// The longest such time.
const DOUBT_AT_MOST: TimeDelta = TimeDelta::hours(1);

/// How a template stands, for the campaigns that use it.
#[derive(Clone, Copy, Debug)]
pub struct TemplateNow<'a> {
    /// Which one.
    pub id: TemplateId,
    /// Its status.
    pub status: &'a str,
    /// Its category.
    pub category: &'a str,
    /// Version of its content.
    pub version: i32,
    /// Whether it just came to stand so, or was seen to stand as before.
    pub news: Freshness,
}

/// How new it is how a template stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It changed.
    Changed,
    /// It was read again, and stands as before: lanes that were refused a moment ago may know better.
    Unchanged,
}

/// What became of the campaigns of a template.
#[derive(Debug, Default)]
#[must_use = "lanes are signalled and the audit log is written by `finish`"]
pub struct Followed {
    /// Stopped, each with its reason.
    paused: Vec<(CampaignId, String)>,
    /// Set going again, but for those whose template is refused again and again: the audit log knows of them already.
    resumed: Vec<CampaignId>,
    channels: BTreeSet<ChannelId>,
    doubt: Option<TimeDelta>,
}

impl Followed {
    /// How many campaigns were stopped.
    pub fn paused(&self) -> usize {
        self.paused.len()
    }

    /// After which time the template is to be read again, because campaigns stay paused only as it is too early to believe what was read.
    pub fn doubt(&self) -> Option<TimeDelta> {
        self.doubt
    }

    fn look_again(&mut self, after: TimeDelta) {
        self.doubt = Some(self.doubt.map_or(after, |sooner| sooner.min(after)));
    }

    /// Signals the lanes concerned, and those of `others`.
    pub async fn signal(&self, tx: &mut TenantTx, others: &[ChannelId]) -> Result<(), CampaignError> {
        let organization = tx.organization();
        let channels: BTreeSet<ChannelId> = self.channels.iter().chain(others).copied().collect();
        for channel in channels {
            lanes::signal(tx, organization, channel).await?;
        }
        Ok(())
    }

    /// Records what became of the campaigns. The last statements before the commit, but for other entries of the log.
    pub async fn record(&self, tx: &mut TenantTx, clock: &dyn Clock, template: TemplateId) -> Result<(), CampaignError> {
        let organization = tx.organization();
        let actor = Actor::System("provider");
        for (id, reason) in &self.paused {
            let details = json!({ "templateId": template, "reason": reason });
            let act = Act::new(actor, "campaigns.pausedByTemplate").on("campaigns", id).with(details);
            audit::record(tx, organization, clock.now(), act).await?;
        }
        for id in &self.resumed {
            let act = Act::new(actor, "campaigns.resumedByTemplate").on("campaigns", id).with(json!({ "templateId": template }));
            audit::record(tx, organization, clock.now(), act).await?;
        }
        Ok(())
    }
}

/// Has the campaigns of a template stop or go on. The caller changed the template in this transaction, and holds its row.
///
/// What a person paused, and what waits for a person for another reason, stays as it is.
pub async fn follow_template(tx: &mut TenantTx, clock: &dyn Clock, now: &TemplateNow<'_>) -> Result<Followed, CampaignError> {
    let (status, category) = (now.status.to_owned(), now.category.to_owned());
    let is_being_edited = store::is_being_edited(tx, now.id).await?;
    let template = Template { id: now.id, status, category, version: now.version, is_being_edited };
    let mut followed = Followed::default();
    for id in store::of_template(tx, now.id).await? {
        store::lock(tx, id).await?;
        let campaign = find(tx, id).await?;
        let misfit = misfit(tx, &campaign, &template).await?;
        if misfit.as_deref() == Some(BEING_EDITED) && (campaign.state.can_pause() || is_held(&campaign)) {
            followed.look_again(EDITED_AGAIN);
        }
        match (campaign.state, misfit) {
            (CampaignState::Preparing | CampaignState::Running | CampaignState::Finishing, Some(reason)) if may_send_more(&campaign) => {
                set_paused(tx, clock, &campaign, Some(&reason)).await?;
                followed.channels.insert(campaign.draft.channel);
                followed.paused.push((id, reason));
            }
            (CampaignState::Paused, Some(reason)) if is_held(&campaign) && campaign.state_reason.as_ref() != Some(&reason) => {
                store::relabel(tx, id, &reason, clock.now()).await?;
                if is_held_by_lane(&campaign) {
                    followed.paused.push((id, reason));
                }
            }
            (CampaignState::Paused, None) if is_held(&campaign) => {
                let refusals = if is_held_by_lane(&campaign) { store::refusals(tx, id).await? } else { 0 };
                let doubt = doubt_for(refusals) - (clock.now() - campaign.updated_at);
                if now.news == Freshness::Unchanged && doubt > TimeDelta::zero() {
                    followed.look_again(doubt);
                } else if organizations::service::may_send(tx).await? {
                    go_on(tx, clock, &campaign, "resumed").await?;
                    followed.channels.insert(campaign.draft.channel);
                    if refusals <= 1 {
                        followed.resumed.push(id);
                    }
                } else {
                    store::relabel(tx, id, DEACTIVATED, clock.now()).await?;
                }
            }
            _ => {}
        }
    }
    Ok(followed)
}

/// Templates that have to be looked at whatever is new: campaigns wait for them, or run although they do not fit.
pub(crate) async fn held_templates(tx: &mut TenantTx) -> Result<Vec<TemplateId>, CampaignError> {
    Ok(store::held_templates(tx).await?)
}

/// Has somebody look at the template of a campaign that the provider refuses to send, or that is being changed there.
pub async fn look_at_template(tx: &mut TenantTx, id: CampaignId) -> Result<(), CampaignError> {
    let template = find(tx, id).await?.draft.template;
    tx.enqueue(Refresh::of(template)).await?;
    Ok(())
}

/// Whether a pause of the campaign ends with the template's return.
pub(super) fn is_held(campaign: &Campaign) -> bool {
    let of_template =
        |reason: &str| reason.starts_with("template:") || reason.starts_with("templateCategory:") || reason == "templateContent";
    campaign.state == CampaignState::Paused && (is_held_by_lane(campaign) || campaign.state_reason.as_deref().is_some_and(of_template))
}

fn is_held_by_lane(campaign: &Campaign) -> bool {
    campaign.state_reason.as_deref().is_some_and(|reason| LANE_REASONS.contains(&reason))
}

/// How long a template that reads as if it may be sent is doubted, after so many refusals in a row.
fn doubt_for(refusals: u32) -> TimeDelta {
    match refusals.checked_sub(1) {
        None => TimeDelta::zero(),
        Some(doublings) => (DOUBT_FOR * (1 << doublings.min(16))).min(DOUBT_AT_MOST),
    }
}

/// Whether messages may still go out. What was sent to the last row only waits for outcomes, unless unknown rows may be sent once more.
fn may_send_more(campaign: &Campaign) -> bool {
    campaign.state != CampaignState::Finishing || campaign.draft.unknown_policy != UnknownPolicy::GiveUp
}

/// Why the campaign may not be sent with its template as it is.
pub(super) async fn misfit(tx: &mut TenantTx, campaign: &Campaign, template: &Template) -> Result<Option<String>, CampaignError> {
    if template.status != SENDABLE {
        return Ok(Some(format!("template:{}", template.status)));
    }
    if template.is_being_edited {
        return Ok(Some(BEING_EDITED.to_owned()));
    }
    let Some(launched) = store::launched(tx, campaign.id).await? else { return Ok(None) };
    Ok(if launched.category != template.category {
        Some(format!("templateCategory:{}", template.category))
    } else if launched.template_version != template.version {
        Some("templateContent".to_owned())
    } else {
        None
    })
}

/// Locks a campaign and, before it, the template that it uses, against news of it.
pub(super) async fn lock_with_template(tx: &mut TenantTx, id: CampaignId) -> Result<(Campaign, Template), CampaignError> {
    loop {
        let template = find(tx, id).await?.draft.template;
        let locked = store::lock_template(tx, template).await?;
        store::lock(tx, id).await?;
        let campaign = find(tx, id).await?;
        // A draft may get another template until it is locked; it has one that exists.
        if let Some(locked) = locked.filter(|_| campaign.draft.template == template) {
            return Ok((campaign, locked));
        }
    }
}

/// Whether a template with this status may be sent again some day.
pub(super) fn may_return(status: &str) -> bool {
    !FINAL.contains(&status)
}

/// Has a campaign go on with the template as it is now, as a person wants it: another category is accepted by resuming, another content by
/// naming its version, and only if it has the same variables, whose values are frozen.
pub(super) async fn accept(
    tx: &mut TenantTx,
    campaign: &Campaign,
    template: &Template,
    accepted_version: Option<i32>,
) -> Result<(), CampaignError> {
    know_sendable(template)?;
    let Some(launched) = store::launched(tx, campaign.id).await? else { return Ok(()) };
    let now = template.as_launched();
    if launched == now {
        return Ok(());
    }
    let is_rewritten = launched.template_version != now.template_version;
    if is_rewritten && accepted_version != Some(now.template_version) {
        return Err(CampaignError::TemplateChanged { launched: launched.template_version, now: now.template_version });
    }
    let facts = store::launch_facts(tx, campaign.draft.channel, template.id).await?.ok_or(CampaignError::NotFound(campaign.id))?;
    store::note_launched(tx, campaign.id, &now).await?;
    let Some(mut frozen) = store::run_of(tx, campaign.id).await? else {
        // No values are frozen yet: those that will be have to fit.
        let fits = validation::check(&campaign.draft, Some(&facts));
        return fits.map_err(|_| CampaignError::TemplateVariablesChanged { now: now.template_version });
    };
    if is_rewritten {
        let content = validation::content(&facts);
        if validation::variable_names(&content)? != validation::variable_names(&frozen.content)? {
            return Err(CampaignError::TemplateVariablesChanged { now: now.template_version });
        }
        frozen.content = content;
        frozen.template_version = now.template_version;
    }
    frozen.category = now.category;
    Ok(store::accept_template(tx, campaign.id, &frozen).await?)
}

/// Whether the template may be sent, and will still be the same in a moment.
pub(super) fn know_sendable(template: &Template) -> Result<(), CampaignError> {
    if template.status != SENDABLE {
        return Err(CampaignError::TemplateNotApproved(template.status.clone()));
    }
    if template.is_being_edited { Err(CampaignError::TemplateBeingEdited) } else { Ok(()) }
}

impl Template {
    /// What a campaign that is launched now is to be sent with.
    pub(super) fn as_launched(&self) -> Launched {
        Launched { category: self.category.clone(), template_version: self.version }
    }
}
