//! Contents that templates had, and who needs them.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{Page, PageRequest, TemplateId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::templates::model::{Category, Source, Template, TemplateVersion};

/// Keeps the present content of a template as the content of its version.
pub(in crate::templates) async fn versions_insert(
    tx: &mut TenantTx,
    template: &Template,
    source: Source,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into template_versions
            (organization_id, template_id, version, category, components, message_ttl_seconds, source, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        organization as _,
        template.id as _,
        template.version,
        template.category.as_str(),
        template.components,
        template.message_ttl_seconds,
        source.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that the provider is asked to take the present content of a template.
pub(in crate::templates) async fn version_offered(tx: &mut TenantTx, template: &Template, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!(
        "update template_versions set submitted_at = coalesce(submitted_at, $3) where template_id = $1 and version = $2",
        template.id as _,
        template.version,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The newest contents of a template that the provider was asked to take.
pub(in crate::templates) async fn versions_offered(tx: &mut TenantTx, id: TemplateId, limit: i64) -> Result<Vec<Value>, DbError> {
    let contents = sqlx::query_scalar!(
        "select components
         from template_versions
         where template_id = $1 and submitted_at is not null
         order by version desc
         limit $2",
        id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(contents)
}

/// For how long the provider tries messages of a template, as far as it was told or told us.
pub(in crate::templates) async fn ttl_there(tx: &mut TenantTx, id: TemplateId) -> Result<Option<i32>, DbError> {
    let seconds = sqlx::query_scalar!(
        "select message_ttl_seconds
         from template_versions
         where template_id = $1 and (submitted_at is not null or source in ('webhook', 'reconcile'))
         order by version desc
         limit 1",
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(seconds.flatten())
}

struct VersionRow {
    version: i32,
    category: String,
    components: Value,
    message_ttl_seconds: Option<i32>,
    source: String,
    created_at: DateTime<Utc>,
}

impl VersionRow {
    fn read(self, id: TemplateId) -> Result<TemplateVersion, DbError> {
        let bad = |column| DbError::BadRow { table: "template_versions", id: format!("{id} {}", self.version), column };
        Ok(TemplateVersion {
            version: self.version,
            category: Category::from_word(&self.category).ok_or_else(|| bad("category"))?,
            components: self.components,
            message_ttl_seconds: self.message_ttl_seconds,
            source: self.source,
            created_at: self.created_at,
        })
    }
}

/// The versions of a template, newest first. A cursor's last four bytes are the number of the version.
pub(in crate::templates) async fn versions_page(
    tx: &mut TenantTx,
    id: TemplateId,
    request: PageRequest,
) -> Result<Page<TemplateVersion>, DbError> {
    let after = request.after.and_then(|cursor| i32::try_from(cursor.0.as_u128()).ok());
    let rows = sqlx::query_as!(
        VersionRow,
        "select version, category, components, message_ttl_seconds, source, created_at
         from template_versions
         where template_id = $1 and ($2::integer is null or version < $2)
         order by version desc
         limit $3",
        id as _,
        after,
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let versions = rows.into_iter().map(|row| row.read(id)).collect::<Result<_, _>>()?;
    Ok(Page::from_rows(versions, request, |version| Uuid::from_u128(u128::from(version.version.unsigned_abs()))))
}

/// Notes in the template's way that its content is another one.
pub(in crate::templates) async fn content_event_insert(
    tx: &mut TenantTx,
    template: &Template,
    source: Source,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into template_events (organization_id, template_id, id, kind, status, details, source, created_at)
         values ($1, $2, $3, 'content', $4, $5, $6, $7)",
        organization as _,
        template.id as _,
        TemplateId::at(now).uuid(),
        template.status,
        json!({ "version": template.version }),
        source.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The newest status of the template's way that is one of `among`.
pub(in crate::templates) async fn last_status(tx: &mut TenantTx, id: TemplateId, among: &[&str]) -> Result<Option<String>, DbError> {
    let status = sqlx::query_scalar!(
        "select status
         from template_events
         where template_id = $1 and kind = 'status' and status = any($2::text[])
         order by place desc
         limit 1",
        id as _,
        among as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(status)
}

/// The newest status of the template's way that is another than `present`.
pub(in crate::templates) async fn status_before(tx: &mut TenantTx, id: TemplateId, present: &str) -> Result<Option<String>, DbError> {
    let status = sqlx::query_scalar!(
        "select status
         from template_events
         where template_id = $1 and kind = 'status' and status <> $2
         order by place desc
         limit 1",
        id as _,
        present,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(status)
}

/// How many campaigns under way send each of these templates; those of none are left out.
pub(in crate::templates) async fn campaigns_under_way(tx: &mut TenantTx, ids: &[TemplateId]) -> Result<Vec<(TemplateId, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select template_id, count(*) as "campaigns!"
         from campaigns
         where template_id = any($1) and state in ('preparing', 'running', 'paused', 'finishing')
         group by template_id
         limit 1000"#,
        ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.template_id.into(), row.campaigns)).collect())
}
