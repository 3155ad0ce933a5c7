//! Use cases of campaigns.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{CampaignId, Clock, Page, PageRequest};
use queue::Enqueue;

use super::{
    CampaignError, Counters, Settings, counters,
    following::{self, lock_with_template},
    freeze::{self, RunFacts},
    jobs::Prepare,
    model::{Audience, Campaign, CampaignDraft, CampaignState},
    store::{self, LaunchFacts},
    validation,
};
use crate::{fields::FieldErrors, lanes, organizations};

/// Why a campaign is paused whose organization was deactivated.
pub const DEACTIVATED: &str = "organizationDeactivated";

/// Writes a draft.
pub async fn create(tx: &mut TenantTx, clock: &dyn Clock, draft: CampaignDraft) -> Result<Campaign, CampaignError> {
    check(tx, &draft).await?;
    know_contacts(tx, &draft.audience).await?;
    let id = CampaignId::at(clock.now());
    store::insert(tx, id, &draft, clock.now()).await?;
    find(tx, id).await
}

/// Overwrites a draft.
pub async fn update(tx: &mut TenantTx, clock: &dyn Clock, id: CampaignId, draft: CampaignDraft) -> Result<Campaign, CampaignError> {
    let campaign = find(tx, id).await?;
    check(tx, &draft).await?;
    // Who was deleted since the draft was written does not stop other changes of it.
    if draft.audience != campaign.draft.audience {
        know_contacts(tx, &draft.audience).await?;
    }
    if !store::update_draft(tx, id, &draft, clock.now()).await? {
        return Err(CampaignError::WrongState { state: campaign.state, verb: "edited" });
    }
    find(tx, id).await
}

async fn check(tx: &mut TenantTx, draft: &CampaignDraft) -> Result<(), CampaignError> {
    let facts = store::launch_facts(tx, draft.channel, draft.template).await?;
    validation::check(draft, facts.as_ref())?;
    Ok(())
}

/// Fails when the audience names a contact that does not exist: whoever is named is either reached or told about.
async fn know_contacts(tx: &mut TenantTx, audience: &Audience) -> Result<(), CampaignError> {
    let mut errors = FieldErrors::default();
    let excluded = audience.exclude.as_ref().map_or(&[][..], |exclude| &exclude.contact_ids);
    for (field, ids) in [("audience.contactIds", audience.contact_ids.as_slice()), ("audience.exclude.contactIds", excluded)] {
        if !ids.is_empty() && store::names_unknown_contact(tx, ids).await? {
            errors.add(field, "not-found", "every contact exists");
        }
    }
    Ok(errors.into_result()?)
}

/// One campaign.
pub async fn find(tx: &mut TenantTx, id: CampaignId) -> Result<Campaign, CampaignError> {
    store::find(tx, id).await?.ok_or(CampaignError::NotFound(id))
}

/// A page of campaigns, the newest first.
pub async fn list(tx: &mut TenantTx, state: Option<CampaignState>, request: PageRequest) -> Result<Page<Campaign>, CampaignError> {
    Ok(store::page(tx, state, request).await?)
}

/// Deletes a draft. Anything later is evidence and stays.
pub async fn delete(tx: &mut TenantTx, id: CampaignId) -> Result<(), CampaignError> {
    let campaign = find(tx, id).await?;
    if store::delete_draft(tx, id).await? { Ok(()) } else { Err(CampaignError::WrongState { state: campaign.state, verb: "deleted" }) }
}

/// Launches a draft now: checks what can be checked, and has a job freeze the audience.
pub async fn launch(tx: &mut TenantTx, clock: &dyn Clock, id: CampaignId) -> Result<Campaign, CampaignError> {
    let (campaign, template) = lock_with_template(tx, id).await?;
    if campaign.state != CampaignState::Draft {
        return Err(CampaignError::WrongState { state: campaign.state, verb: "launched" });
    }
    require_active(tx).await?;
    ready_facts(tx, &campaign).await?;
    following::know_sendable(&template)?;
    if !freeze::matches_somebody(tx, &campaign.draft.audience).await? {
        return Err(CampaignError::EmptyAudience);
    }
    transition(tx, clock, &campaign, CampaignState::Preparing, None, "launched").await?;
    store::note_launched(tx, id, &template.as_launched()).await?;
    tx.enqueue(Prepare { campaign: id }).await?;
    find(tx, id).await
}

/// Holds off a deactivation of the organization until the end of the transaction, or fails because there was one.
async fn require_active(tx: &mut TenantTx) -> Result<(), CampaignError> {
    if organizations::service::may_send(tx).await? { Ok(()) } else { Err(CampaignError::OrganizationDeactivated) }
}

/// Template and number of a campaign that can be sent right now.
async fn ready_facts(tx: &mut TenantTx, campaign: &Campaign) -> Result<LaunchFacts, CampaignError> {
    let facts = store::launch_facts(tx, campaign.draft.channel, campaign.draft.template).await?;
    validation::check(&campaign.draft, facts.as_ref())?;
    let facts = facts.ok_or(CampaignError::NotFound(campaign.id))?;
    if facts.template_status != "APPROVED" {
        return Err(CampaignError::TemplateNotApproved(facts.template_status));
    }
    if facts.channel_state != "connected" {
        return Err(CampaignError::ChannelNotConnected(facts.channel_state));
    }
    Ok(facts)
}

/// What preparing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prepared {
    /// The ledger is frozen, now or by an earlier run of the job.
    Frozen,
    /// The campaign is not being prepared (any more).
    NothingToDo,
    /// The campaign was cancelled while it was being frozen: what was frozen is to be rolled back.
    CalledOff,
}

/// Freezes the audience of a campaign in state `preparing`; when that cannot be done any more the campaign fails, with the reason.
pub(super) async fn prepare(tx: &mut TenantTx, clock: &dyn Clock, settings: Settings, id: CampaignId) -> Result<Prepared, CampaignError> {
    let Some(campaign) = store::find(tx, id).await? else { return Ok(Prepared::NothingToDo) };
    if !matches!(campaign.state, CampaignState::Preparing | CampaignState::Paused | CampaignState::Cancelling) {
        return Ok(Prepared::NothingToDo);
    }
    if run_exists(tx, id).await? {
        return Ok(Prepared::Frozen);
    }
    if campaign.state == CampaignState::Cancelling {
        transition(tx, clock, &campaign, CampaignState::Cancelled, None, "prepared").await?;
        return Ok(Prepared::NothingToDo);
    }
    let facts = match ready_facts(tx, &campaign).await {
        Ok(facts) => facts,
        Err(CampaignError::Store(error)) => return Err(error.into()),
        Err(CampaignError::TemplateNotApproved(status)) if following::may_return(&status) => {
            wait_for_template(tx, clock, id).await?;
            return Ok(Prepared::NothingToDo);
        }
        Err(CampaignError::Invalid(_)) if !is_as_launched(tx, &campaign).await? => {
            wait_for_template(tx, clock, id).await?;
            return Ok(Prepared::NothingToDo);
        }
        Err(refused) => {
            let failed = store::transition(tx, id, campaign.state, CampaignState::Failed, Some(&refused.to_string()), clock.now()).await?;
            debug_assert!(failed, "the row was read in this transaction");
            return Ok(Prepared::NothingToDo);
        }
    };
    if !is_as_launched(tx, &campaign).await? {
        wait_for_template(tx, clock, id).await?;
        return Ok(Prepared::NothingToDo);
    }
    let audience = freeze::freeze(tx, &campaign, &run_facts(&facts, settings)?).await?;
    if audience == 0 {
        store::transition(tx, id, campaign.state, CampaignState::Failed, Some("no contact matches the audience"), clock.now()).await?;
        store::run_set_state(tx, id, "finished").await?;
        return Ok(Prepared::NothingToDo);
    }
    // Freezing takes its time: whoever cancelled meanwhile saw no run to cancel.
    store::lock(tx, id).await?;
    match find(tx, id).await?.state {
        CampaignState::Cancelled => Ok(Prepared::CalledOff),
        _ => Ok(Prepared::Frozen),
    }
}

/// Whether the template of a campaign is the one that it was launched with.
async fn is_as_launched(tx: &mut TenantTx, campaign: &Campaign) -> Result<bool, CampaignError> {
    let launched = store::launched(tx, campaign.id).await?;
    let facts = store::launch_facts(tx, campaign.draft.channel, campaign.draft.template).await?;
    Ok(match (launched, facts) {
        (Some(launched), Some(facts)) => (launched.category, launched.template_version) == (facts.category, facts.template_version),
        _ => true,
    })
}

/// Pauses a campaign that cannot be frozen while its template is away or another one, unless the template is back by now.
async fn wait_for_template(tx: &mut TenantTx, clock: &dyn Clock, id: CampaignId) -> Result<(), CampaignError> {
    let (campaign, template) = lock_with_template(tx, id).await?;
    if campaign.state != CampaignState::Preparing {
        return Ok(());
    }
    if let Some(reason) = following::misfit(tx, &campaign, &template).await? {
        return set_paused(tx, clock, &campaign, Some(&reason)).await;
    }
    tx.enqueue(Prepare { campaign: id }).await?;
    Ok(())
}

fn run_facts(facts: &LaunchFacts, settings: Settings) -> Result<RunFacts, CampaignError> {
    let content = validation::content(facts);
    let variable_names = validation::variable_names(&content)?;
    Ok(RunFacts {
        phone_number_id: facts.phone_number_id.clone(),
        category: facts.category.clone(),
        template_version: facts.template_version,
        content,
        variable_names,
        grace_s: settings.grace_s(&facts.category),
    })
}

async fn run_exists(tx: &mut TenantTx, id: CampaignId) -> Result<bool, DbError> {
    let exists = sqlx::query_scalar!(r#"select exists (select from campaign_runs where campaign_id = $1) as "exists!""#, id as _)
        .fetch_one(tx.conn())
        .await?;
    Ok(exists)
}

/// Brings the planner's statistics of the campaign's partition up to date.
pub(super) async fn analyze_ledger(tx: &mut TenantTx, id: CampaignId) -> Result<(), DbError> {
    sqlx::query!("select analyze_ledger($1)", id as _).execute(tx.conn()).await?;
    Ok(())
}

/// Lets the lane send a frozen campaign, unless somebody paused or cancelled it meanwhile, or its template is not the one that was frozen.
pub(super) async fn start(tx: &mut TenantTx, clock: &dyn Clock, id: CampaignId) -> Result<(), CampaignError> {
    let (campaign, template) = lock_with_template(tx, id).await?;
    let run = match campaign.state {
        CampaignState::Preparing => {
            let hindrance = if organizations::service::may_send(tx).await? {
                following::misfit(tx, &campaign, &template).await?
            } else {
                Some(DEACTIVATED.to_owned())
            };
            let (to, run) = match hindrance {
                Some(_) => (CampaignState::Paused, "paused"),
                None => (CampaignState::Running, "running"),
            };
            transition(tx, clock, &campaign, to, hindrance.as_deref(), "started").await?;
            if template.is_being_edited {
                following::look_at_template(tx, id).await?;
            }
            run
        }
        CampaignState::Paused => "paused",
        CampaignState::Cancelling => "cancelling",
        _ => return Ok(()),
    };
    store::run_set_state(tx, id, run).await?;
    signal(tx, &campaign).await
}

/// Stops new messages. What is in flight settles normally. A campaign that waits for its template waits for a person from now on.
pub async fn pause(tx: &mut TenantTx, clock: &dyn Clock, id: CampaignId) -> Result<Campaign, CampaignError> {
    store::lock(tx, id).await?;
    let campaign = find(tx, id).await?;
    if !campaign.state.can_pause() && !following::is_held(&campaign) {
        return Err(CampaignError::WrongState { state: campaign.state, verb: "paused" });
    }
    set_paused(tx, clock, &campaign, None).await?;
    signal(tx, &campaign).await?;
    find(tx, id).await
}

pub(super) async fn set_paused(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    campaign: &Campaign,
    reason: Option<&str>,
) -> Result<(), CampaignError> {
    transition(tx, clock, campaign, CampaignState::Paused, reason, "paused").await?;
    store::run_set_state(tx, campaign.id, "paused").await?;
    Ok(())
}

/// Pauses what was under way when the organization was deactivated at `since`, with the reason [`DEACTIVATED`]. Answers how many campaigns
/// there were.
///
/// When the organization is active again by now, what was set going since then goes on.
pub(super) async fn pause_deactivated(tx: &mut TenantTx, clock: &dyn Clock, since: DateTime<Utc>) -> Result<usize, CampaignError> {
    let active = organizations::service::may_send(tx).await?;
    let mut paused = 0;
    let mut channels = BTreeSet::new();
    for id in store::under_way(tx).await? {
        store::lock(tx, id).await?;
        let campaign = find(tx, id).await?;
        let under_way = campaign.state.can_pause() || following::is_held(&campaign);
        if !under_way || (active && campaign.updated_at > since) {
            continue;
        }
        set_paused(tx, clock, &campaign, Some(DEACTIVATED)).await?;
        channels.insert(campaign.draft.channel);
        paused += 1;
    }
    let organization = tx.organization();
    for channel in channels {
        lanes::signal(tx, organization, channel).await?;
    }
    Ok(paused)
}

/// Goes on at once. A change of the template's category since the launch is accepted by it; one of its content only when
/// `accepted_version` names the version that the template has now, and its variables are the same.
pub async fn resume(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    id: CampaignId,
    accepted_version: Option<i32>,
) -> Result<Campaign, CampaignError> {
    let (campaign, template) = lock_with_template(tx, id).await?;
    if campaign.state != CampaignState::Paused {
        return Err(CampaignError::WrongState { state: campaign.state, verb: "resumed" });
    }
    require_active(tx).await?;
    following::accept(tx, &campaign, &template, accepted_version).await?;
    go_on(tx, clock, &campaign, "resumed").await?;
    signal(tx, &campaign).await?;
    find(tx, id).await
}

/// Sends on, or prepares again what was not frozen yet. The lane is still to be signalled.
pub(super) async fn go_on(tx: &mut TenantTx, clock: &dyn Clock, campaign: &Campaign, verb: &'static str) -> Result<(), CampaignError> {
    if run_exists(tx, campaign.id).await? {
        transition(tx, clock, campaign, CampaignState::Running, None, verb).await?;
        store::run_set_state(tx, campaign.id, "running").await?;
    } else {
        transition(tx, clock, campaign, CampaignState::Preparing, None, verb).await?;
        tx.enqueue(Prepare { campaign: campaign.id }).await?;
    }
    Ok(())
}

/// Stops for good: what was not sent never will be.
pub async fn cancel(tx: &mut TenantTx, clock: &dyn Clock, id: CampaignId) -> Result<Campaign, CampaignError> {
    store::lock(tx, id).await?;
    let campaign = find(tx, id).await?;
    if !campaign.state.can_cancel() {
        return Err(CampaignError::WrongState { state: campaign.state, verb: "cancelled" });
    }
    if run_exists(tx, id).await? {
        transition(tx, clock, &campaign, CampaignState::Cancelling, None, "cancelled").await?;
        store::run_set_state(tx, id, "cancelling").await?;
        signal(tx, &campaign).await?;
    } else {
        transition(tx, clock, &campaign, CampaignState::Cancelled, None, "cancelled").await?;
    }
    find(tx, id).await
}

/// Counts by state.
pub async fn counters(tx: &mut TenantTx, id: CampaignId) -> Result<(Campaign, Counters), CampaignError> {
    let campaign = find(tx, id).await?;
    let counters = counters::read(tx, id).await?;
    Ok((campaign, counters))
}

async fn transition(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    campaign: &Campaign,
    to: CampaignState,
    reason: Option<&str>,
    verb: &'static str,
) -> Result<(), CampaignError> {
    if store::transition(tx, campaign.id, campaign.state, to, reason, clock.now()).await? {
        Ok(())
    } else {
        let now = find(tx, campaign.id).await?;
        Err(CampaignError::WrongState { state: now.state, verb })
    }
}

/// The last statement before the commit: the lane has something new.
async fn signal(tx: &mut TenantTx, campaign: &Campaign) -> Result<(), CampaignError> {
    let organization = tx.organization();
    Ok(lanes::signal(tx, organization, campaign.draft.channel).await?)
}
