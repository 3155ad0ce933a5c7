//! Campaign records: all their SQL, over the tenant's rows.

mod following;

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{CampaignId, ChannelId, ContactId, Page, PageRequest, TemplateId};
use sqlx::types::Json;
use uuid::Uuid;

pub(super) use following::{
    Launched, Template, accept_template, held_templates, is_being_edited, launched, lock_template, note_launched, of_template, refusals,
    relabel, run_of,
};

use super::model::{Campaign, CampaignDraft, CampaignState, UnknownPolicy};

struct CampaignRow {
    id: Uuid,
    name: String,
    channel_id: Uuid,
    template_id: Uuid,
    audience: serde_json::Value,
    variables: serde_json::Value,
    unknown_policy: String,
    messages_per_second: Option<i32>,
    state: String,
    state_reason: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    launched_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    template_version: Option<i32>,
}

impl TryFrom<CampaignRow> for Campaign {
    type Error = DbError;

    fn try_from(row: CampaignRow) -> Result<Self, DbError> {
        let bad = |column| DbError::BadRow { table: "campaigns", id: row.id.to_string(), column };
        Ok(Self {
            id: row.id.into(),
            draft: CampaignDraft {
                name: row.name,
                channel: row.channel_id.into(),
                template: row.template_id.into(),
                audience: serde_json::from_value(row.audience).map_err(|_| bad("audience"))?,
                variables: serde_json::from_value(row.variables).map_err(|_| bad("variables"))?,
                unknown_policy: UnknownPolicy::parse(&row.unknown_policy).ok_or_else(|| bad("unknown_policy"))?,
                messages_per_second: row.messages_per_second.map(u32::try_from).transpose().map_err(|_| bad("messages_per_second"))?,
            },
            state: CampaignState::parse(&row.state).ok_or_else(|| bad("state"))?,
            state_reason: row.state_reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
            launched_at: row.launched_at,
            finished_at: row.finished_at,
            template_version: row.template_version,
        })
    }
}

/// Writes a new draft.
pub(super) async fn insert(tx: &mut TenantTx, id: CampaignId, draft: &CampaignDraft, now: DateTime<Utc>) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into campaigns
            (organization_id, id, name, channel_id, template_id, audience, variables, unknown_policy, messages_per_second, state, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'draft', $10, $10)",
        organization as _,
        id as _,
        draft.name,
        draft.channel as _,
        draft.template as _,
        Json(&draft.audience) as _,
        Json(&draft.variables) as _,
        draft.unknown_policy.as_str(),
        rate(draft),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Overwrites a draft; false when it is none any more.
pub(super) async fn update_draft(tx: &mut TenantTx, id: CampaignId, draft: &CampaignDraft, now: DateTime<Utc>) -> Result<bool, DbError> {
    let updated = sqlx::query!(
        "update campaigns
         set name = $2, channel_id = $3, template_id = $4, audience = $5, variables = $6, unknown_policy = $7, messages_per_second = $8,
             version = version + 1, updated_at = $9
         where id = $1 and state = 'draft'",
        id as _,
        draft.name,
        draft.channel as _,
        draft.template as _,
        Json(&draft.audience) as _,
        Json(&draft.variables) as _,
        draft.unknown_policy.as_str(),
        rate(draft),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(updated.rows_affected() == 1)
}

fn rate(draft: &CampaignDraft) -> Option<i32> {
    draft.messages_per_second.map(|rate| i32::try_from(rate).unwrap_or(i32::MAX))
}

/// One campaign.
pub(super) async fn find(tx: &mut TenantTx, id: CampaignId) -> Result<Option<Campaign>, DbError> {
    let row = sqlx::query_as!(
        CampaignRow,
        r#"select c.id, c.name, c.channel_id, c.template_id, c.audience, c.variables, c.unknown_policy, c.messages_per_second, c.state,
                  c.state_reason, c.created_at, c.updated_at, c.launched_at, c.finished_at,
                  coalesce(r.template_version, c.template_version) as template_version
           from campaigns c
           left join campaign_runs r on r.organization_id = c.organization_id and r.campaign_id = c.id
           where c.id = $1"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Campaign::try_from).transpose()
}

/// Locks the campaign until the end of the transaction, so that what is read of it and its run next stays true.
pub(super) async fn lock(tx: &mut TenantTx, id: CampaignId) -> Result<(), DbError> {
    sqlx::query!("select id from campaigns where id = $1 for no key update", id as _).fetch_optional(tx.conn()).await?;
    Ok(())
}

/// Campaigns that send, are about to, or may do so again without a person, in the order in which they are to be locked. Some that are paused
/// for another reason are among them.
pub(super) async fn under_way(tx: &mut TenantTx) -> Result<Vec<CampaignId>, DbError> {
    let ids = sqlx::query_scalar!(
        "select id from campaigns
         where state in ('preparing', 'running', 'finishing')
            or (state = 'paused' and (state_reason like 'template%' or state_reason like 'pauseTemplate:%'))
         order by id
         limit 10000"
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// A page of campaigns, the newest first.
pub(super) async fn page(tx: &mut TenantTx, state: Option<CampaignState>, request: PageRequest) -> Result<Page<Campaign>, DbError> {
    let rows = sqlx::query_as!(
        CampaignRow,
        r#"select c.id, c.name, c.channel_id, c.template_id, c.audience, c.variables, c.unknown_policy, c.messages_per_second, c.state,
                  c.state_reason, c.created_at, c.updated_at, c.launched_at, c.finished_at,
                  coalesce(r.template_version, c.template_version) as template_version
           from campaigns c
           left join campaign_runs r on r.organization_id = c.organization_id and r.campaign_id = c.id
           where ($1::text is null or c.state = $1) and ($2::uuid is null or c.id < $2)
           order by c.id desc
           limit $3"#,
        state.map(CampaignState::as_str),
        request.after.map(|cursor| cursor.0),
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let campaigns = rows.into_iter().map(Campaign::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::from_rows(campaigns, request, |campaign| campaign.id.uuid()))
}

/// Deletes a draft; false when it is none.
pub(super) async fn delete_draft(tx: &mut TenantTx, id: CampaignId) -> Result<bool, DbError> {
    let deleted = sqlx::query!("delete from campaigns where id = $1 and state = 'draft'", id as _).execute(tx.conn()).await?;
    Ok(deleted.rows_affected() == 1)
}

/// Moves the campaign from one state to another; false when it was not in `from` (any more): two clicks do one thing.
pub(super) async fn transition(
    tx: &mut TenantTx,
    id: CampaignId,
    from: CampaignState,
    to: CampaignState,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let moved = sqlx::query!(
        "update campaigns
         set state = $3, state_reason = $4, version = version + 1, updated_at = $5,
             launched_at = case when $3 = 'preparing' then $5 else launched_at end,
             finished_at = case when $3 in ('failed', 'cancelled', 'expired') then $5 else finished_at end
         where id = $1 and state = $2",
        id as _,
        from.as_str(),
        to.as_str(),
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Sets what the ledger may do for the campaign; false when it has no open run.
pub(super) async fn run_set_state(tx: &mut TenantTx, id: CampaignId, state: &str) -> Result<bool, DbError> {
    let set = sqlx::query!(
        "update campaign_runs set state = $2, epoch = epoch + 1
         where campaign_id = $1 and state in ('preparing', 'running', 'paused', 'cancelling')",
        id as _,
        state,
    )
    .execute(tx.conn())
    .await?;
    Ok(set.rows_affected() == 1)
}

/// What launching must know of the campaign's template and number.
pub(super) struct LaunchFacts {
    pub(super) template_status: String,
    pub(super) template_version: i32,
    pub(super) category: String,
    pub(super) name: String,
    pub(super) language: String,
    pub(super) parameter_format: String,
    pub(super) components: serde_json::Value,
    pub(super) same_account: bool,
    pub(super) channel_state: String,
    pub(super) phone_number_id: String,
}

/// Whether one of `ids` is nobody in the organization.
pub(super) async fn names_unknown_contact(tx: &mut TenantTx, ids: &[ContactId]) -> Result<bool, DbError> {
    let unknown = sqlx::query_scalar!(
        r#"select exists (
               select from unnest($1::uuid[]) as named (id)
               where not exists (select from contacts where contacts.id = named.id)
           ) as "unknown!""#,
        ids as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(unknown)
}

/// Template and number, if both exist.
pub(super) async fn launch_facts(tx: &mut TenantTx, channel: ChannelId, template: TemplateId) -> Result<Option<LaunchFacts>, DbError> {
    let facts = sqlx::query_as!(
        LaunchFacts,
        r#"select t.status as template_status, t.version as template_version, t.category, t.name, t.language, t.parameter_format, t.components,
                  t.business_account_id = c.business_account_id as "same_account!", c.state as channel_state, c.phone_number_id
        from templates t cross join channels c
        where t.id = $1 and c.id = $2"#,
        template as _,
        channel as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(facts)
}
