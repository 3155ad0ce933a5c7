//! Where templates stand with the provider, and how they came there.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::TemplateId;
use uuid::Uuid;

use super::TemplateRow;
use crate::templates::model::{Source, Template, TemplateEvent};

/// Writes where a template stands.
pub(in crate::templates) async fn update_status(tx: &mut TenantTx, template: &Template) -> Result<(), DbError> {
    sqlx::query!(
        "update templates
         set status = $2, reason = $3, provider_id = $4, category = $5, quality = $6, submitted_at = $7, updated_at = $8
         where id = $1",
        template.id as _,
        template.status,
        template.reason,
        template.provider_id,
        template.category.as_str(),
        template.quality,
        template.submitted_at,
        template.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Finds and locks the template that news are about: by the provider's id, else by account, name and language while that id is not known.
pub(in crate::templates) async fn find_by_news_locked(
    tx: &mut TenantTx,
    provider_id: &str,
    business_account_id: Option<&str>,
    name: Option<&str>,
    language: Option<&str>,
) -> Result<Option<Template>, DbError> {
    let row = sqlx::query_as!(
        TemplateRow,
        "select id, channel_id, business_account_id, name, language, category, parameter_format, components, status, reason, provider_id,
                quality, submitted_at, version, created_at, updated_at, message_ttl_seconds, problems, status_at, announced_category,
                announced_category_at, checked_at, deleted_at
         from templates
         where provider_id = $1
            or (provider_id is null and business_account_id = $2 and name = $3 and language = $4)
         order by provider_id is null
         limit 1
         for update",
        provider_id,
        business_account_id,
        name,
        language,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Template::try_from).transpose()
}

pub(in crate::templates) async fn events_insert(tx: &mut TenantTx, template: &Template, source: Source, now: DateTime<Utc>) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into template_events (organization_id, template_id, id, status, reason, source, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        organization as _,
        template.id as _,
        TemplateId::at(now).uuid(),
        template.status,
        template.reason,
        source.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The newest steps of a template's way, oldest first.
pub(in crate::templates) async fn events(tx: &mut TenantTx, id: TemplateId, limit: i64) -> Result<Vec<TemplateEvent>, DbError> {
    let mut events = sqlx::query_as!(
        TemplateEvent,
        "select status, reason, source, created_at
         from template_events
         where template_id = $1
         order by place desc
         limit $2",
        id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    events.reverse();
    Ok(events)
}

/// One connected channel of each account of the organization.
pub(in crate::templates) async fn accounts(tx: &mut TenantTx) -> Result<Vec<(Uuid, String)>, DbError> {
    let rows = sqlx::query!(
        "select distinct on (business_account_id) id, business_account_id
         from channels
         where state = 'connected'
         order by business_account_id, id
         limit 1000"
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.business_account_id)).collect())
}
