//! Changes of templates that the provider has, until it took them; and how often it took some.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::TemplateId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::templates::model::{Category, DraftState, TemplateDraft};

struct DraftRow {
    template_id: Uuid,
    category: String,
    components: Value,
    message_ttl_seconds: Option<i32>,
    state: String,
    problems: Value,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<DraftRow> for TemplateDraft {
    type Error = DbError;

    fn try_from(row: DraftRow) -> Result<Self, DbError> {
        let bad = |column| DbError::BadRow { table: "template_drafts", id: row.template_id.to_string(), column };
        Ok(Self {
            template: row.template_id.into(),
            category: Category::from_word(&row.category).ok_or_else(|| bad("category"))?,
            components: row.components,
            message_ttl_seconds: row.message_ttl_seconds,
            state: DraftState::from_word(&row.state).ok_or_else(|| bad("state"))?,
            problems: serde_json::from_value(row.problems).map_err(|_| bad("problems"))?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The changes of these templates. Who changes one holds the lock of its template.
pub(in crate::templates) async fn drafts(tx: &mut TenantTx, ids: &[TemplateId]) -> Result<Vec<TemplateDraft>, DbError> {
    let rows = sqlx::query_as!(
        DraftRow,
        "select template_id, category, components, message_ttl_seconds, state, problems, created_at, updated_at
         from template_drafts
         where template_id = any($1)
         limit 1000",
        ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(TemplateDraft::try_from).collect()
}

/// The change of a template.
pub(in crate::templates) async fn draft(tx: &mut TenantTx, id: TemplateId) -> Result<Option<TemplateDraft>, DbError> {
    Ok(drafts(tx, &[id]).await?.pop())
}

/// Writes a change, over an earlier one.
pub(in crate::templates) async fn draft_upsert(tx: &mut TenantTx, draft: &TemplateDraft) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into template_drafts
            (organization_id, template_id, category, components, message_ttl_seconds, state, problems, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (organization_id, template_id) do update
         set category = excluded.category, components = excluded.components, message_ttl_seconds = excluded.message_ttl_seconds,
             state = excluded.state, problems = excluded.problems, updated_at = excluded.updated_at",
        organization as _,
        draft.template as _,
        draft.category.as_str(),
        draft.components,
        draft.message_ttl_seconds,
        draft.state.as_str(),
        json!(draft.problems),
        draft.created_at,
        draft.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Throws a change away; false when there was none.
pub(in crate::templates) async fn draft_delete(tx: &mut TenantTx, id: TemplateId) -> Result<bool, DbError> {
    let done = sqlx::query!("delete from template_drafts where template_id = $1", id as _).execute(tx.conn()).await?;
    Ok(done.rows_affected() > 0)
}

/// When the provider took changes of the approved template since `since`, the newest first.
pub(in crate::templates) async fn edits_since(
    tx: &mut TenantTx,
    id: TemplateId,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, DbError> {
    let edits = sqlx::query_scalar!(
        "select edited_at
         from template_edits
         where template_id = $1 and edited_at > $2
         order by edited_at desc
         limit 100",
        id as _,
        since,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(edits)
}

/// Counts a change that the provider took, and forgets those from before `forget_before`.
pub(in crate::templates) async fn edits_insert(
    tx: &mut TenantTx,
    id: TemplateId,
    at: DateTime<Utc>,
    forget_before: DateTime<Utc>,
) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!("delete from template_edits where template_id = $1 and edited_at < $2", id as _, forget_before).execute(tx.conn()).await?;
    sqlx::query!(
        "insert into template_edits (organization_id, template_id, edited_at) values ($1, $2, $3) on conflict do nothing",
        organization as _,
        id as _,
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
