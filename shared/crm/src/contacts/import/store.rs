//! All SQL of imports.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{ContactId, ImportId, PhoneNumber};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    layout::{Layout, Mapping},
    model::{ContactImport, Counts, ImportState, NewImport, Rejection},
    rows::ImportRow,
};
use crate::contacts::model::OptIn;

struct ImportRecord {
    id: Uuid,
    state: String,
    object_key: String,
    file_name: Option<String>,
    size: i64,
    mapping: Json<Mapping>,
    dry_run: bool,
    layout: Option<Json<Layout>>,
    next_offset: i64,
    next_line: i64,
    created: i32,
    updated: i32,
    skipped: i32,
    rejected: i32,
    reason: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<ImportRecord> for ContactImport {
    type Error = DbError;

    fn try_from(row: ImportRecord) -> Result<Self, DbError> {
        let bad = |column| DbError::BadRow { table: "contact_imports", id: row.id.to_string(), column };
        Ok(Self {
            id: row.id.into(),
            state: ImportState::from_word(&row.state).ok_or_else(|| bad("state"))?,
            size: u64::try_from(row.size).map_err(|_| bad("size"))?,
            next_offset: u64::try_from(row.next_offset).map_err(|_| bad("next_offset"))?,
            next_line: u64::try_from(row.next_line).map_err(|_| bad("next_line"))?,
            object_key: row.object_key,
            file_name: row.file_name,
            mapping: row.mapping.0,
            dry_run: row.dry_run,
            layout: row.layout.map(|layout| layout.0),
            counts: Counts { created: row.created, updated: row.updated, skipped: row.skipped, rejected: row.rejected },
            reason: row.reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        })
    }
}

pub(super) async fn insert(tx: &mut TenantTx, id: ImportId, new: &NewImport, now: DateTime<Utc>) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into contact_imports (organization_id, id, state, object_key, file_name, size, mapping, dry_run, created_at, updated_at)
         values ($1, $2, 'queued', $3, $4, $5, $6, $7, $8, $8)",
        organization as _,
        id as _,
        new.object_key.as_str(),
        new.file_name,
        signed(new.size),
        Json(&new.mapping) as _,
        new.dry_run,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut TenantTx, id: ImportId) -> Result<Option<ContactImport>, DbError> {
    let row = sqlx::query_as!(
        ImportRecord,
        r#"select id, state, object_key, file_name, size, mapping as "mapping: Json<Mapping>", dry_run, layout as "layout: Json<Layout>",
                  next_offset, next_line, created, updated, skipped, rejected, reason, created_at, updated_at, finished_at
           from contact_imports
           where id = $1"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(ContactImport::try_from).transpose()
}

/// Where an import goes on.
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) line: u64,
}

/// Moves the import from `from` to `to` and adds `counts`. False when somebody else moved it meanwhile: then nothing may be committed.
pub(super) async fn advance(
    tx: &mut TenantTx,
    id: ImportId,
    from: u64,
    to: &Place,
    counts: Counts,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update contact_imports
         set next_offset = $3, next_line = $4, total = total + $5, created = created + $6, updated = updated + $7,
             skipped = skipped + $8, rejected = rejected + $9, updated_at = $10
         where id = $1 and next_offset = $2 and state = 'running'",
        id as _,
        signed(from),
        signed(to.offset),
        signed(to.line),
        counts.total(),
        counts.created,
        counts.updated,
        counts.skipped,
        counts.rejected,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes the columns and begins.
pub(super) async fn start(tx: &mut TenantTx, id: ImportId, layout: &Layout, to: &Place, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!(
        "update contact_imports
         set state = 'running', layout = $2, next_offset = $3, next_line = $4, updated_at = $5
         where id = $1 and state = 'queued'",
        id as _,
        Json(layout) as _,
        signed(to.offset),
        signed(to.line),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends the import and forgets the numbers it met.
pub(super) async fn finish(
    tx: &mut TenantTx,
    id: ImportId,
    state: ImportState,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update contact_imports
         set state = $2, reason = $3, updated_at = $4, finished_at = $4
         where id = $1 and state in ('queued', 'running')",
        id as _,
        state.as_str(),
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("delete from contact_import_numbers where import_id = $1", id as _).execute(tx.conn()).await?;
    Ok(())
}

/// Notes `numbers` (none twice) as met; answers those that this import meets for the first time.
pub(super) async fn numbers_meet(tx: &mut TenantTx, id: ImportId, numbers: &[&str]) -> Result<HashSet<String>, DbError> {
    let organization = tx.organization();
    let fresh = sqlx::query_scalar!(
        "insert into contact_import_numbers (organization_id, import_id, phone_number)
         select $1, $2, phone_number
         from unnest($3::text[]) as given (phone_number)
         on conflict do nothing
         returning phone_number",
        organization as _,
        id as _,
        numbers as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(fresh.into_iter().collect())
}

/// Creates contacts or adds to them: one statement. `rows` are sorted by number, none twice; two imports then lock in the same order.
///
/// Answers how many were created and how many changed; the others said nothing new.
pub(super) async fn contacts_merge(tx: &mut TenantTx, rows: &[ImportRow], now: DateTime<Utc>) -> Result<(i32, i32), DbError> {
    let organization = tx.organization();
    let ids: Vec<ContactId> = rows.iter().map(|_| ContactId::at(now)).collect();
    let numbers: Vec<&str> = rows.iter().map(|row| row.phone_number.as_e164()).collect();
    let names: Vec<Option<&str>> = rows.iter().map(|row| row.name.as_deref()).collect();
    let emails: Vec<Option<&str>> = rows.iter().map(|row| row.email.as_deref()).collect();
    let tags: Vec<Json<&Vec<String>>> = rows.iter().map(|row| Json(&row.tags)).collect();
    let attributes: Vec<Json<_>> = rows.iter().map(|row| Json(&row.attributes)).collect();
    let opt_ins: Vec<Option<&str>> = rows.iter().map(|row| row.opt_in.map(OptIn::as_str)).collect();
    let locales: Vec<Option<&str>> = rows.iter().map(|row| row.locale.as_deref()).collect();
    let time_zones: Vec<Option<&str>> = rows.iter().map(|row| row.time_zone.as_deref()).collect();
    let created = sqlx::query_scalar!(
        r#"insert into contacts as present
               (organization_id, id, phone_number, name, email, tags, attributes, opt_in, locale, time_zone, created_at, updated_at)
           select $1, id, phone_number, coalesce(name, ''), email, array(select jsonb_array_elements_text(tags)), attributes,
                  case
                      when exists (
                          select from contact_exceptions
                          where address = given.phone_number and reason = 'optedOut' and scope = 'all'
                      ) then 'optedOut'
                      else coalesce(opt_in, 'unknown')
                  end,
                  locale, time_zone, $2, $2
           from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::jsonb[], $9::text[], $10::text[], $11::text[])
               as given (id, phone_number, name, email, tags, attributes, opt_in, locale, time_zone)
           on conflict (organization_id, phone_number) do update
           set name = coalesce(nullif(excluded.name, ''), present.name),
               email = coalesce(excluded.email, present.email),
               tags = merged_tags(present.tags, excluded.tags),
               attributes = merged_attributes(present.attributes, excluded.attributes),
               opt_in = case when present.opt_in = 'optedOut' or excluded.opt_in = 'unknown' then present.opt_in else excluded.opt_in end,
               locale = coalesce(excluded.locale, present.locale),
               time_zone = coalesce(excluded.time_zone, present.time_zone),
               updated_at = excluded.updated_at
           where (excluded.name <> '' and excluded.name <> present.name)
              or (excluded.email is not null and excluded.email is distinct from present.email)
              or merged_tags(present.tags, excluded.tags) <> present.tags
              or merged_attributes(present.attributes, excluded.attributes) <> present.attributes
              or (present.opt_in <> 'optedOut' and excluded.opt_in not in ('unknown', present.opt_in))
              or (excluded.locale is not null and excluded.locale is distinct from present.locale)
              or (excluded.time_zone is not null and excluded.time_zone is distinct from present.time_zone)
           returning (xmax = 0) as "created!""#,
        organization as _,
        now,
        &ids as _,
        &numbers as _,
        &names as _,
        &emails as _,
        &tags as _,
        &attributes as _,
        &opt_ins as _,
        &locales as _,
        &time_zones as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let fresh = created.iter().filter(|created| **created).count();
    Ok((count(fresh), count(created.len() - fresh)))
}

/// Notes that nothing the business begins may reach these numbers (sorted, none twice).
pub(super) async fn exceptions_opt_out(tx: &mut TenantTx, numbers: &[&PhoneNumber], now: DateTime<Utc>) -> Result<(), DbError> {
    let organization = tx.organization();
    let numbers: Vec<&str> = numbers.iter().map(|number| number.as_e164()).collect();
    sqlx::query!(
        "insert into contact_exceptions (organization_id, address, scope, reason, created_at)
         select $1, address, 'all', 'optedOut', $2
         from unnest($3::text[]) as given (address)
         on conflict (organization_id, address) do update set scope = 'all' where contact_exceptions.scope <> 'all'",
        organization as _,
        now,
        &numbers as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn rejections_insert(tx: &mut TenantTx, id: ImportId, rejections: &[Rejection]) -> Result<(), DbError> {
    if rejections.is_empty() {
        return Ok(());
    }
    let organization = tx.organization();
    let lines: Vec<i64> = rejections.iter().map(|rejection| rejection.line).collect();
    let fields: Vec<Option<&str>> = rejections.iter().map(|rejection| rejection.field.as_deref()).collect();
    let codes: Vec<&str> = rejections.iter().map(|rejection| rejection.code.as_str()).collect();
    let messages: Vec<&str> = rejections.iter().map(|rejection| rejection.message.as_str()).collect();
    let raws: Vec<&str> = rejections.iter().map(|rejection| rejection.raw.as_str()).collect();
    sqlx::query!(
        "insert into contact_import_rejections (organization_id, import_id, line, field, code, message, raw)
         select $1, $2, line, field, code, message, raw
         from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) as given (line, field, code, message, raw)",
        organization as _,
        id as _,
        &lines,
        &fields as _,
        &codes as _,
        &messages as _,
        &raws as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Rejected rows behind line `after`, in the order of the file.
pub(super) async fn rejections_after(tx: &mut TenantTx, id: ImportId, after: i64, limit: i64) -> Result<Vec<Rejection>, DbError> {
    let rejections = sqlx::query_as!(
        Rejection,
        "select line, field, code, message, raw
         from contact_import_rejections
         where import_id = $1 and line > $2
         order by line
         limit $3",
        id as _,
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rejections)
}

/// Opens a part of the transaction that a dry run takes back.
pub(super) async fn trial_begin(tx: &mut TenantTx) -> Result<(), DbError> {
    sqlx::query!("savepoint import_trial").execute(tx.conn()).await?;
    Ok(())
}

/// Takes back what was done since [`trial_begin`].
pub(super) async fn trial_undo(tx: &mut TenantTx) -> Result<(), DbError> {
    sqlx::query!("rollback to savepoint import_trial").execute(tx.conn()).await?;
    Ok(())
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn count(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}
