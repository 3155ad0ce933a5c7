//! All SQL of templates.

mod news;

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{Page, PageRequest, TemplateId};
use serde_json::Value;
use uuid::Uuid;

pub(super) use news::{accounts, events, events_insert, find_by_news_locked, update_status};

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
                                status, reason, provider_id, quality, submitted_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
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
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes the content of a draft.
pub(super) async fn update_content(tx: &mut TenantTx, template: &Template) -> Result<(), DbError> {
    sqlx::query!(
        "update templates
         set name = $2, language = $3, category = $4, parameter_format = $5, components = $6, status = $7, reason = $8,
             version = version + 1, updated_at = $9, channel_id = $10, business_account_id = $11
         where id = $1",
        template.id as _,
        template.name,
        template.language,
        template.category.as_str(),
        template.parameter_format.as_str(),
        template.components,
        template.status,
        template.reason,
        template.updated_at,
        template.channel as _,
        template.business_account_id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut TenantTx, id: TemplateId) -> Result<Option<Template>, DbError> {
    let row = sqlx::query_as!(
        TemplateRow,
        "select id, channel_id, business_account_id, name, language, category, parameter_format, components, status, reason, provider_id,
                quality, submitted_at, version, created_at, updated_at, message_ttl_seconds, problems, status_at, announced_category,
                announced_category_at, checked_at, deleted_at
         from templates
         where id = $1",
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Template::try_from).transpose()
}

/// As [`find`], and keeps others from changing the row until the transaction ends.
pub(super) async fn find_locked(tx: &mut TenantTx, id: TemplateId) -> Result<Option<Template>, DbError> {
    let row = sqlx::query_as!(
        TemplateRow,
        "select id, channel_id, business_account_id, name, language, category, parameter_format, components, status, reason, provider_id,
                quality, submitted_at, version, created_at, updated_at, message_ttl_seconds, problems, status_at, announced_category,
                announced_category_at, checked_at, deleted_at
         from templates
         where id = $1
         for update",
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Template::try_from).transpose()
}

/// Newest first.
pub(super) async fn page(tx: &mut TenantTx, filter: &TemplateFilter, request: PageRequest) -> Result<Page<Template>, DbError> {
    let rows = sqlx::query_as!(
        TemplateRow,
        "select id, channel_id, business_account_id, name, language, category, parameter_format, components, status, reason, provider_id,
                quality, submitted_at, version, created_at, updated_at, message_ttl_seconds, problems, status_at, announced_category,
                announced_category_at, checked_at, deleted_at
         from templates
         where ($1::uuid is null or id < $1)
           and ($2::text is null or status = $2)
           and ($3::text is null or strpos(name, $3) > 0)
           and ($4::uuid is null or business_account_id = (select business_account_id from channels where id = $4))
         order by id desc
         limit $5",
        request.after.map(|cursor| cursor.0),
        filter.status,
        filter.text,
        filter.channel as _,
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

