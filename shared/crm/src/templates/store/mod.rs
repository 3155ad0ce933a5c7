//! All SQL of templates.

/// Reads templates; `$which` is the end of the statement.
macro_rules! templates_where {
    ($which:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::templates::store::TemplateRow,
            "select id, channel_id, business_account_id, name, language, category, parameter_format, components, status, reason, provider_id,
                    quality, submitted_at, version, created_at, updated_at, message_ttl_seconds, problems, status_at, announced_category,
                    announced_category_at, checked_at, deleted_at
             from templates
             " + $which
            $(, $argument)*
        )
    };
}

mod creations;
mod drafts;
mod news;
mod versions;

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{Page, PageRequest, TemplateId};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) use creations::{creations_delete, creations_forget, creations_insert, creations_lock, creations_nth};
pub(super) use drafts::{draft, draft_delete, draft_upsert, drafts, edits_insert, edits_since};
pub(super) use news::{
    EventKind, accounts, events, events_insert, events_insert_of, find_by_news_locked, is_name_taken, of_account, organizations_connected,
    update_status,
};
pub(super) use versions::{
    campaigns_under_way, content_event_insert, last_status, status_before, ttl_there, version_offered, versions_insert, versions_offered,
    versions_page,
};

use super::model::{Category, ParameterFormat, Template, TemplateFilter};

struct TemplateRow {
    id: Uuid,
    channel_id: Uuid,
    business_account_id: String,
    name: String,
    language: String,
    category: String,
    parameter_format: String,
    components: Value,
    status: String,
    reason: Option<String>,
    provider_id: Option<String>,
    quality: Option<String>,
    submitted_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    message_ttl_seconds: Option<i32>,
    problems: Value,
    status_at: Option<DateTime<Utc>>,
    announced_category: Option<String>,
    announced_category_at: Option<DateTime<Utc>>,
    checked_at: Option<DateTime<Utc>>,
    deleted_at: Option<DateTime<Utc>>,
}

impl TryFrom<TemplateRow> for Template {
    type Error = DbError;

    fn try_from(row: TemplateRow) -> Result<Self, DbError> {
        let bad = |column| DbError::BadRow { table: "templates", id: row.id.to_string(), column };
        Ok(Self {
            id: row.id.into(),
            channel: row.channel_id.into(),
            category: Category::from_word(&row.category).ok_or_else(|| bad("category"))?,
            parameter_format: ParameterFormat::from_word(&row.parameter_format).ok_or_else(|| bad("parameter_format"))?,
            business_account_id: row.business_account_id,
            name: row.name,
            language: row.language,
            components: row.components,
            status: row.status,
            reason: row.reason,
            provider_id: row.provider_id,
            quality: row.quality,
            submitted_at: row.submitted_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            message_ttl_seconds: row.message_ttl_seconds,
            problems: serde_json::from_value(row.problems).map_err(|_| bad("problems"))?,
            status_at: row.status_at,
            announced_category: row.announced_category,
            announced_category_at: row.announced_category_at,
            checked_at: row.checked_at,
            deleted_at: row.deleted_at,
        })
    }
}

/// Writes a template; false when the account has one of this name and language.
pub(super) async fn insert(tx: &mut TenantTx, template: &Template) -> Result<bool, DbError> {
    let organization = tx.organization();
    let done = sqlx::query!(
        "insert into templates (organization_id, id, channel_id, business_account_id, name, language, category, parameter_format, components,
                                status, reason, provider_id, quality, submitted_at, created_at, updated_at, message_ttl_seconds, checked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         on conflict (organization_id, business_account_id, name, language) where status <> 'DELETED' do nothing",
        organization as _,
        template.id as _,
        template.channel as _,
        template.business_account_id,
        template.name,
        template.language,
        template.category.as_str(),
        template.parameter_format.as_str(),
        template.components,
        template.status,
        template.reason,
        template.provider_id,
        template.quality,
        template.submitted_at,
        template.created_at,
        template.updated_at,
        template.message_ttl_seconds,
        template.checked_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes the content of a template and what names it.
pub(super) async fn update_content(tx: &mut TenantTx, template: &Template) -> Result<(), DbError> {
    sqlx::query!(
        "update templates
         set name = $2, language = $3, category = $4, parameter_format = $5, components = $6, message_ttl_seconds = $7, version = $8,
             updated_at = $9, channel_id = $10, business_account_id = $11
         where id = $1",
        template.id as _,
        template.name,
        template.language,
        template.category.as_str(),
        template.parameter_format.as_str(),
        template.components,
        template.message_ttl_seconds,
        template.version,
        template.updated_at,
        template.channel as _,
        template.business_account_id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes what the provider's refusal says of fields.
pub(super) async fn update_problems(tx: &mut TenantTx, template: &Template) -> Result<(), DbError> {
    sqlx::query!("update templates set problems = $2 where id = $1", template.id as _, json!(template.problems)).execute(tx.conn()).await?;
    Ok(())
}

pub(super) async fn find(tx: &mut TenantTx, id: TemplateId) -> Result<Option<Template>, DbError> {
    let row = templates_where!("where id = $1", id as _,).fetch_optional(tx.conn()).await?;
    row.map(Template::try_from).transpose()
}

/// As [`find`], and keeps others from changing the row until the transaction ends.
pub(super) async fn find_locked(tx: &mut TenantTx, id: TemplateId) -> Result<Option<Template>, DbError> {
    let row = templates_where!(
        "where id = $1
         for update",
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Template::try_from).transpose()
}

/// Newest first.
pub(super) async fn page(tx: &mut TenantTx, filter: &TemplateFilter, request: PageRequest) -> Result<Page<Template>, DbError> {
    let rows = templates_where!(
        "where ($1::uuid is null or id < $1)
           and status = coalesce($2, status) and ($2::text is not null or status <> 'DELETED')
           and ($3::text is null or strpos(name, $3) > 0)
           and ($4::uuid is null or business_account_id = (select business_account_id from channels where id = $4))
           and ($5::text is null or category = $5)
           and ($6::text is null or language = $6)
           and ($7::text is null or business_account_id = $7)
         order by id desc
         limit $8",
        request.after.map(|cursor| cursor.0),
        filter.status,
        filter.text,
        filter.channel as _,
        filter.category.map(Category::as_str),
        filter.language,
        filter.business_account_id,
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let templates = rows.into_iter().map(Template::try_from).collect::<Result<_, _>>()?;
    Ok(Page::from_rows(templates, request, |template| template.id.uuid()))
}

pub(super) async fn delete(tx: &mut TenantTx, id: TemplateId) -> Result<(), DbError> {
    sqlx::query!("delete from templates where id = $1", id as _).execute(tx.conn()).await?;
    Ok(())
}

/// The templates of a name in an account that are not deleted, in the order of their ids; they stay as they are until the transaction ends.
pub(super) async fn of_name_locked(tx: &mut TenantTx, business_account_id: &str, name: &str) -> Result<Vec<Template>, DbError> {
    let rows = templates_where!(
        "where business_account_id = $1 and name = $2 and status <> 'DELETED'
         order by id
         limit 1000
         for update",
        business_account_id,
        name,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Template::try_from).collect()
}

/// When a template of this name and language that the provider had was last deleted, if that was after `since`.
pub(super) async fn name_deleted_at(
    tx: &mut TenantTx,
    template: &Template,
    since: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let deleted = sqlx::query_scalar!(
        "select max(deleted_at)
         from templates
         where business_account_id = $1 and name = $2 and language = $3 and status = 'DELETED' and provider_id is not null and deleted_at > $4",
        template.business_account_id,
        template.name,
        template.language,
        since,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(deleted)
}
