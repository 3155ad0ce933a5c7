//! All SQL of mail.

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx, TenantTx, Tx};
use kernel::{MailId, OrganizationId, Page, PageRequest};
use serde_json::Value;
use uuid::Uuid;

use super::model::{Mail, MailFilter, MailKind, MailState, MailTemplate, MailText, NewMail};

struct MailRow {
    id: Uuid,
    organization_id: Uuid,
    kind: String,
    to_address: String,
    user_id: Option<Uuid>,
    token_id: Option<Uuid>,
    variables: Value,
    state: String,
    error: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    bounced_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<MailRow> for Mail {
    type Error = DbError;

    fn try_from(row: MailRow) -> Result<Self, DbError> {
        let bad = |column| DbError::BadRow { table: "mails", id: row.id.to_string(), column };
        Ok(Self {
            id: row.id.into(),
            organization: row.organization_id.into(),
            kind: MailKind::from_word(&row.kind).ok_or_else(|| bad("kind"))?,
            state: MailState::from_word(&row.state).ok_or_else(|| bad("state"))?,
            to: row.to_address,
            user: row.user_id.map(Into::into),
            token: row.token_id.map(Into::into),
            variables: row.variables,
            error: row.error,
            sent_at: row.sent_at,
            bounced_at: row.bounced_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(super) async fn insert<T: Tx>(
    tx: &mut T,
    organization: OrganizationId,
    now: DateTime<Utc>,
    id: MailId,
    mail: &NewMail<'_>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into mails (organization_id, id, kind, to_address, user_id, token_id, variables, state, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $8)",
        organization as _,
        id as _,
        mail.kind.as_str(),
        mail.to.as_str(),
        mail.user as _,
        mail.token as _,
        mail.variables,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A mail of whatever organization: its job knows the id only.
pub(super) async fn find_anywhere(tx: &mut SystemTx, id: MailId) -> Result<Option<Mail>, DbError> {
    let row = sqlx::query_as!(
        MailRow,
        "select id, organization_id, kind, to_address, user_id, token_id, variables, state, error, sent_at, bounced_at, created_at, updated_at
         from mails
         where id = $1",
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Mail::try_from).transpose()
}

pub(super) async fn find(tx: &mut TenantTx, id: MailId) -> Result<Option<Mail>, DbError> {
    let row = sqlx::query_as!(
        MailRow,
        "select id, organization_id, kind, to_address, user_id, token_id, variables, state, error, sent_at, bounced_at, created_at, updated_at
         from mails
         where id = $1",
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Mail::try_from).transpose()
}

pub(super) async fn page(tx: &mut TenantTx, filter: MailFilter, page: PageRequest) -> Result<Page<Mail>, DbError> {
    let rows = sqlx::query_as!(
        MailRow,
        "select id, organization_id, kind, to_address, user_id, token_id, variables, state, error, sent_at, bounced_at, created_at, updated_at
         from mails
         where ($1::text is null or state = $1)
           and ($2::text is null or kind = $2)
           and ($3::uuid is null or id < $3)
         order by id desc
         limit $4",
        filter.state.map(MailState::as_str),
        filter.kind.map(MailKind::as_str),
        page.after.map(|cursor| cursor.0),
        page.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let mails = rows.into_iter().map(Mail::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::from_rows(mails, page, |mail| mail.id.uuid()))
}

/// Writes down what became of a mail that waits. What came back meanwhile stays as it is.
pub(super) async fn settle(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    id: MailId,
    state: MailState,
    error: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update mails
         set state = $2, error = $3, updated_at = $4,
             sent_at = case when $2 = 'sent' then $4 else sent_at end,
             bounced_at = case when $2 = 'bounced' then $4 else bounced_at end
         where id = $1 and state = 'queued'",
        id as _,
        state.as_str(),
        error,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes what went wrong with a mail that is tried again.
pub(super) async fn note(tx: &mut TenantTx, now: DateTime<Utc>, id: MailId, error: &str) -> Result<(), DbError> {
    sqlx::query!("update mails set error = $2, updated_at = $3 where id = $1 and state = 'queued'", id as _, error, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Writes down that a mail came back for good; tells whether there is such a mail. The first time stays.
pub(super) async fn mark_bounced(tx: &mut SystemTx, now: DateTime<Utc>, id: MailId, error: &str) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update mails set state = 'bounced', bounced_at = coalesce(bounced_at, $2), error = $3, updated_at = $2 where id = $1",
        id as _,
        now,
        error,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that a mail is late; tells whether there is such a mail. One that came back for good keeps its reason.
pub(super) async fn note_late(tx: &mut SystemTx, now: DateTime<Utc>, id: MailId, error: &str) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update mails
         set error = case when state = 'bounced' then error else $3 end, updated_at = $2
         where id = $1",
        id as _,
        now,
        error,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes mails written before `before`, at most `limit`. Answers how many there were.
pub(super) async fn delete_before(tx: &mut SystemTx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from mails
         where id in (select id from mails where created_at < $1 order by created_at limit $2 for update skip locked)",
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

struct TemplateRow {
    kind: String,
    subject: String,
    html: String,
    text: String,
    updated_at: DateTime<Utc>,
}

impl TemplateRow {
    /// None for a kind that there is no more.
    fn template(self) -> Option<MailTemplate> {
        let text = MailText { subject: self.subject, html: self.html, text: self.text };
        Some(MailTemplate { kind: MailKind::from_word(&self.kind)?, text, changed_at: Some(self.updated_at) })
    }
}

/// The texts of the organization's own: at most one of each kind.
pub(super) async fn templates(tx: &mut TenantTx) -> Result<Vec<MailTemplate>, DbError> {
    let rows = sqlx::query_as!(TemplateRow, "select kind, subject, html, text, updated_at from mail_templates limit 100")
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().filter_map(TemplateRow::template).collect())
}

pub(super) async fn template_find(tx: &mut TenantTx, kind: MailKind) -> Result<Option<MailTemplate>, DbError> {
    let row =
        sqlx::query_as!(TemplateRow, "select kind, subject, html, text, updated_at from mail_templates where kind = $1", kind.as_str())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.and_then(TemplateRow::template))
}

pub(super) async fn template_write(tx: &mut TenantTx, now: DateTime<Utc>, kind: MailKind, text: &MailText) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into mail_templates (organization_id, kind, subject, html, text, updated_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (organization_id, kind)
         do update set subject = excluded.subject, html = excluded.html, text = excluded.text, updated_at = excluded.updated_at",
        organization as _,
        kind.as_str(),
        text.subject,
        text.html,
        text.text,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a text of the organization's own; tells whether there was one.
pub(super) async fn template_delete(tx: &mut TenantTx, kind: MailKind) -> Result<bool, DbError> {
    let done = sqlx::query!("delete from mail_templates where kind = $1", kind.as_str()).execute(tx.conn()).await?;
    Ok(done.rows_affected() > 0)
}
