//! Where templates stand with the provider, and how they came there.

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx, TenantTx};
use kernel::{OrganizationId, TemplateId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::templates::model::{Source, Template, TemplateEvent};

/// Writes where a template stands.
pub(in crate::templates) async fn update_status(tx: &mut TenantTx, template: &Template) -> Result<(), DbError> {
    sqlx::query!(
        "update templates
         set status = $2, reason = $3, provider_id = $4, category = $5, quality = $6, submitted_at = $7, updated_at = $8, status_at = $9,
             announced_category = $10, announced_category_at = $11, checked_at = $12, deleted_at = $13
         where id = $1",
        template.id as _,
        template.status,
        template.reason,
        template.provider_id,
        template.category.as_str(),
        template.quality,
        template.submitted_at,
        template.updated_at,
        template.status_at,
        template.announced_category,
        template.announced_category_at,
        template.checked_at,
        template.deleted_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Finds and locks the template that news are about: by the provider's id, else by account, name and language the one that is being taken there
/// and has no id yet. Which template the news speak of is then not known: somebody else may have made one of the same name.
pub(in crate::templates) async fn find_by_news_locked(
    tx: &mut TenantTx,
    provider_id: &str,
    business_account_id: Option<&str>,
    name: Option<&str>,
    language: Option<&str>,
) -> Result<Option<Template>, DbError> {
    let row = templates_where!(
        "where provider_id = $1
            or (provider_id is null and business_account_id = $2 and name = $3 and language = $4 and status = 'SUBMITTING')
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

/// The templates of an account that the provider has or had, with those that may be taken there by a job.
pub(in crate::templates) async fn of_account(tx: &mut TenantTx, business_account_id: &str) -> Result<Vec<Template>, DbError> {
    let rows = templates_where!(
        "where business_account_id = $1
         order by id
         limit 20000",
        business_account_id,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Template::try_from).collect()
}

/// Whether a template that is not deleted has the name and language of this one.
pub(in crate::templates) async fn is_name_taken(tx: &mut TenantTx, template: &Template) -> Result<bool, DbError> {
    let taken = sqlx::query_scalar!(
        r#"select exists (
               select from templates where business_account_id = $1 and name = $2 and language = $3 and status <> 'DELETED' and id <> $4
           ) as "taken!""#,
        template.business_account_id,
        template.name,
        template.language,
        template.id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(taken)
}

/// What a step of a template's way is about.
pub(in crate::templates) struct EventKind {
    /// The column's word.
    pub(in crate::templates) kind: &'static str,
    /// More about it, an object.
    pub(in crate::templates) details: Value,
}

/// Notes a status in the template's way.
pub(in crate::templates) async fn events_insert(
    tx: &mut TenantTx,
    template: &Template,
    source: Source,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    events_insert_of(tx, template, EventKind { kind: "status", details: json!({}) }, source, now).await
}

/// Notes a step in the template's way.
pub(in crate::templates) async fn events_insert_of(
    tx: &mut TenantTx,
    template: &Template,
    event: EventKind,
    source: Source,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let organization = tx.organization();
    let details = if event.details.is_object() { event.details } else { json!({}) };
    sqlx::query!(
        "insert into template_events (organization_id, template_id, id, status, reason, source, created_at, kind, details)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        organization as _,
        template.id as _,
        TemplateId::at(now).uuid(),
        template.status,
        template.reason,
        source.as_str(),
        now,
        event.kind,
        details,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The newest steps of a template's way, oldest first.
pub(in crate::templates) async fn events(tx: &mut TenantTx, id: TemplateId, limit: i64) -> Result<Vec<TemplateEvent>, DbError> {
    let mut events = sqlx::query_as!(
        TemplateEvent,
        "select kind, status, details, reason, source, created_at
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

/// Organizations with a connected number, by id, after `after`.
pub(in crate::templates) async fn organizations_connected(
    tx: &mut SystemTx,
    after: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<OrganizationId>, DbError> {
    let ids = sqlx::query_scalar!(
        "select distinct organization_id
         from channels
         where state = 'connected' and ($1::uuid is null or organization_id > $1)
         order by organization_id
         limit $2",
        after as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
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
