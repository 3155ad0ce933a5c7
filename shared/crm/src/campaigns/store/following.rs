//! What campaigns and their template must know of each other.

use db::{DbError, TenantTx};
use kernel::{CampaignId, TemplateId};

/// What of a template decides whether it may be sent.
#[derive(Clone, Debug)]
pub(in crate::campaigns) struct Template {
    pub(in crate::campaigns) id: TemplateId,
    pub(in crate::campaigns) status: String,
    pub(in crate::campaigns) category: String,
    pub(in crate::campaigns) version: i32,
    /// Whether a change of it is on its way to the provider.
    pub(in crate::campaigns) is_being_edited: bool,
}

/// Reads a template and holds off news of it until the end of the transaction. To be locked before any campaign.
pub(in crate::campaigns) async fn lock_template(tx: &mut TenantTx, id: TemplateId) -> Result<Option<Template>, DbError> {
    let row =
        sqlx::query!("select status, category, version from templates where id = $1 for share", id as _).fetch_optional(tx.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    // Asked behind the lock: whoever submits or settles a change holds the template's row.
    let is_being_edited = is_being_edited(tx, id).await?;
    Ok(Some(Template { id, status: row.status, category: row.category, version: row.version, is_being_edited }))
}

/// Whether a change of a template is on its way to the provider. The template's row is locked.
pub(in crate::campaigns) async fn is_being_edited(tx: &mut TenantTx, id: TemplateId) -> Result<bool, DbError> {
    let edited = sqlx::query_scalar!(
        r#"select exists (select from template_drafts where template_id = $1 and state = 'submitting') as "edited!""#,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(edited)
}

/// Campaigns of the template that send, are about to, or are paused, in the order in which they are to be locked.
pub(in crate::campaigns) async fn of_template(tx: &mut TenantTx, template: TemplateId) -> Result<Vec<CampaignId>, DbError> {
    let ids = sqlx::query_scalar!(
        "select id from campaigns
         where template_id = $1 and state in ('preparing', 'running', 'paused', 'finishing')
         order by id
         limit 10000",
        template as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Templates for whose sake campaigns are paused, and those of campaigns under way that do not fit them.
pub(in crate::campaigns) async fn held_templates(tx: &mut TenantTx) -> Result<Vec<TemplateId>, DbError> {
    let ids = sqlx::query_scalar!(
        r#"select distinct c.template_id
           from campaigns c
           join templates t on t.organization_id = c.organization_id and t.id = c.template_id
           left join campaign_runs r on r.organization_id = c.organization_id and r.campaign_id = c.id
           where (c.state = 'paused' and (c.state_reason like 'template%' or c.state_reason like 'pauseTemplate:%'))
              or (c.state in ('preparing', 'running')
                  and (t.status <> 'APPROVED'
                       or t.category <> coalesce(r.category, c.template_category)
                       or t.version <> coalesce(r.template_version, c.template_version)))
           order by c.template_id
           limit 10000"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Gives a paused campaign another reason.
pub(in crate::campaigns) async fn relabel(
    tx: &mut TenantTx,
    id: CampaignId,
    reason: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update campaigns set state_reason = $2, version = version + 1, updated_at = $3 where id = $1 and state = 'paused'",
        id as _,
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The category and version of its template that a campaign is to be sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::campaigns) struct Launched {
    pub(in crate::campaigns) category: String,
    pub(in crate::campaigns) template_version: i32,
}

/// What the campaign was frozen with, or else launched with; none for a draft.
pub(in crate::campaigns) async fn launched(tx: &mut TenantTx, id: CampaignId) -> Result<Option<Launched>, DbError> {
    let row = sqlx::query!(
        r#"select coalesce(r.category, c.template_category) as category, coalesce(r.template_version, c.template_version) as version
           from campaigns c
           left join campaign_runs r on r.organization_id = c.organization_id and r.campaign_id = c.id
           where c.id = $1"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| Some(Launched { category: row.category?, template_version: row.version? })))
}

/// Notes the template that a campaign is launched with, or goes on with before it is frozen.
pub(in crate::campaigns) async fn note_launched(tx: &mut TenantTx, id: CampaignId, launched: &Launched) -> Result<(), DbError> {
    sqlx::query!(
        "update campaigns set template_category = $2, template_version = $3 where id = $1",
        id as _,
        launched.category,
        launched.template_version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How often in a row the provider refused the template of a campaign, and took no message between.
pub(in crate::campaigns) async fn refusals(tx: &mut TenantTx, id: CampaignId) -> Result<u32, DbError> {
    let refusals = sqlx::query_scalar!("select template_refusals from campaign_runs where campaign_id = $1", id as _)
        .fetch_optional(tx.conn())
        .await?;
    Ok(refusals.and_then(|refusals| u32::try_from(refusals).ok()).unwrap_or(0))
}

/// What a campaign was frozen with.
#[derive(Clone, Debug)]
pub(in crate::campaigns) struct Frozen {
    pub(in crate::campaigns) category: String,
    pub(in crate::campaigns) template_version: i32,
    pub(in crate::campaigns) content: serde_json::Value,
}

/// What the campaign was frozen with; none before it was.
pub(in crate::campaigns) async fn run_of(tx: &mut TenantTx, id: CampaignId) -> Result<Option<Frozen>, DbError> {
    sqlx::query_as!(Frozen, "select category, template_version, content from campaign_runs where campaign_id = $1", id as _)
        .fetch_optional(tx.conn())
        .await
        .map_err(Into::into)
}

/// Has a frozen campaign go on with the template as it is now.
pub(in crate::campaigns) async fn accept_template(tx: &mut TenantTx, id: CampaignId, frozen: &Frozen) -> Result<(), DbError> {
    sqlx::query!(
        "update campaign_runs set category = $2, template_version = $3, content = $4 where campaign_id = $1",
        id as _,
        frozen.category,
        frozen.template_version,
        frozen.content,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
