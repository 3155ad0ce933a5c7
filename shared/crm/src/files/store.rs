//! All SQL of files.

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx, TenantTx};
use kernel::{FileId, OrganizationId, UserId};
use uuid::Uuid;

use super::model::{File, FileKind};

struct FileRow {
    organization_id: Uuid,
    id: Uuid,
    object_key: String,
    kind: String,
    original_name: String,
    content_type: String,
    size: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<FileRow> for File {
    type Error = DbError;

    fn try_from(row: FileRow) -> Result<Self, DbError> {
        let bad = |column| DbError::BadRow { table: "files", id: row.id.to_string(), column };
        Ok(Self {
            id: row.id.into(),
            organization: row.organization_id.into(),
            object_key: row.object_key.parse().map_err(|_| bad("object_key"))?,
            kind: FileKind::from_word(&row.kind).ok_or_else(|| bad("kind"))?,
            size: u64::try_from(row.size).map_err(|_| bad("size"))?,
            original_name: row.original_name,
            content_type: row.content_type,
            created_at: row.created_at,
        })
    }
}

pub(super) async fn insert_pending(tx: &mut TenantTx, file: &File, created_by: Option<UserId>) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into files (organization_id, id, object_key, kind, original_name, content_type, size, state, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, $9)",
        organization as _,
        file.id as _,
        file.object_key.as_str(),
        file.kind.as_str(),
        file.original_name,
        file.content_type,
        i64::try_from(file.size).unwrap_or(i64::MAX),
        created_by as _,
        file.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes a pending file live; tells whether it was pending.
pub(super) async fn make_live(tx: &mut TenantTx, now: DateTime<Utc>, file: FileId) -> Result<bool, DbError> {
    let done = sqlx::query!("update files set state = 'live', updated_at = $2 where id = $1 and state = 'pending'", file as _, now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes the length of a pending file that was written; tells whether it was pending.
pub(super) async fn complete(tx: &mut TenantTx, now: DateTime<Utc>, file: FileId, size: u64) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update files set size = $2, updated_at = $3 where id = $1 and state = 'pending'",
        file as _,
        i64::try_from(size).unwrap_or(i64::MAX),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes whole samples live, unless the sweep may be about to remove them: those that nothing named since before `since`.
pub(super) async fn keep_samples(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    since: DateTime<Utc>,
    files: &[FileId],
) -> Result<Vec<File>, DbError> {
    let ids: Vec<Uuid> = files.iter().map(|file| file.uuid()).collect();
    let rows = sqlx::query_as!(
        FileRow,
        "with kept as (
             select id from files
             where id = any($1) and kind = 'templateMedia' and size > 0 and (state = 'live' or updated_at > $3)
             order by id
             for update)
         update files set state = 'live', updated_at = $2
         from kept where files.id = kept.id
         returning organization_id, files.id, object_key, kind, original_name, content_type, size, created_at",
        &ids,
        now,
        since,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(File::try_from).collect()
}

/// Organizations behind `after` with live samples that were last touched before `before`, by id.
pub(super) async fn organizations_with_samples(
    tx: &mut SystemTx,
    before: DateTime<Utc>,
    after: OrganizationId,
    limit: i64,
) -> Result<Vec<OrganizationId>, DbError> {
    let ids = sqlx::query_scalar!(
        "select distinct organization_id
         from files
         where kind = 'templateMedia' and state = 'live' and updated_at < $1 and organization_id > $2
         order by organization_id
         limit $3",
        before,
        after as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Contents that may name samples, in the order in which they are to be read: a content that goes on from one to the next is not missed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Contents {
    /// Changes of templates.
    Changes,
    /// Templates.
    Templates,
    /// What templates said once.
    Versions,
}

/// A content among those of its kind: template and version.
pub(super) type ContentPlace = (Uuid, i32);

/// The samples that some contents of an organization name, those behind `after`. Answers the last content; none when there was nothing to read.
pub(super) async fn named_samples(
    tx: &mut SystemTx,
    organization: OrganizationId,
    contents: Contents,
    after: ContentPlace,
    limit: i64,
) -> Result<Option<(ContentPlace, Vec<String>)>, DbError> {
    let (changes, templates, versions) = match contents {
        Contents::Changes => (true, false, false),
        Contents::Templates => (false, true, false),
        Contents::Versions => (false, false, true),
    };
    let row = sqlx::query!(
        r#"with read as materialized (
               (select template_id as id, 0 as version, components from template_drafts
                where $4 and organization_id = $1 and template_id > $2 order by template_id limit $7)
               union all
               (select id, 0, components from templates
                where $5 and organization_id = $1 and id > $2 order by id limit $7)
               union all
               (select template_id, version, components from template_versions
                where $6 and organization_id = $1 and (template_id, version) > ($2, $3) order by template_id, version limit $7))
           select (select id from read order by id desc, version desc limit 1) as "id: Uuid",
                  (select version from read order by id desc, version desc limit 1) as version,
                  array(select distinct found.file[1]
                        from read, regexp_matches(read.components::text, 'file:([0-9a-fA-F-]{36})', 'g') as found (file)) as "named!""#,
        organization as _,
        after.0,
        after.1,
        changes,
        templates,
        versions,
        limit,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.id.zip(row.version).map(|last| (last, row.named)))
}

/// Marks samples of an organization as replaced, at most `limit`: those that are not `named`, and were last touched before `before`.
/// Answers how many there were.
pub(super) async fn release_samples(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
    organization: OrganizationId,
    named: &[Uuid],
    limit: i64,
) -> Result<u64, DbError> {
    let released = sqlx::query!(
        "with unnamed as (
             select id from files
             where organization_id = $3 and kind = 'templateMedia' and state = 'live' and updated_at < $2
               and not exists (select from unnest($4::uuid[]) as named (id) where named.id = files.id)
             order by id
             limit $5)
         update files f set state = 'replaced', updated_at = $1
         from unnamed u
         where f.organization_id = $3 and f.id = u.id and f.state = 'live' and f.updated_at < $2",
        now,
        before,
        organization as _,
        named,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(released.rows_affected())
}

/// Locks the organization, so that one logo is changed after the other. Answers the present one.
pub(super) async fn logo_lock(tx: &mut TenantTx) -> Result<Option<FileId>, DbError> {
    let organization = tx.organization();
    let logo = sqlx::query_scalar!(
        r#"select logo_file_id as "logo: FileId" from organizations where id = $1 for no key update"#,
        organization as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(logo.flatten())
}

pub(super) async fn logo_set(tx: &mut TenantTx, now: DateTime<Utc>, logo: Option<FileId>) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!("update organizations set logo_file_id = $2, updated_at = $3 where id = $1", organization as _, logo as _, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn mark_replaced(tx: &mut TenantTx, now: DateTime<Utc>, file: FileId) -> Result<Option<File>, DbError> {
    let row = sqlx::query_as!(
        FileRow,
        "update files set state = 'replaced', updated_at = $2 where id = $1
         returning organization_id, id, object_key, kind, original_name, content_type, size, created_at",
        file as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(File::try_from).transpose()
}

/// A file that is live, or a sample that was uploaded whole.
pub(super) async fn find_readable(tx: &mut TenantTx, file: FileId) -> Result<Option<File>, DbError> {
    let row = sqlx::query_as!(
        FileRow,
        "select organization_id, id, object_key, kind, original_name, content_type, size, created_at
         from files where id = $1 and (state = 'live' or kind = 'templateMedia' and state = 'pending' and size > 0)",
        file as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(File::try_from).transpose()
}

pub(super) async fn find_logo(tx: &mut TenantTx) -> Result<Option<File>, DbError> {
    let organization = tx.organization();
    let row = sqlx::query_as!(
        FileRow,
        "select f.organization_id, f.id, f.object_key, f.kind, f.original_name, f.content_type, f.size, f.created_at
         from organizations o join files f on f.organization_id = o.id and f.id = o.logo_file_id
         where o.id = $1",
        organization as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(File::try_from).transpose()
}

/// Forgets a file that is not live.
pub(super) async fn forget(tx: &mut TenantTx, file: FileId) -> Result<(), DbError> {
    sqlx::query!("delete from files where id = $1 and state <> 'live'", file as _).execute(tx.conn()).await?;
    Ok(())
}

/// Files that were given up, or whose place another took, before `before`: in the order of their ids, behind `after`.
pub(super) async fn abandoned(tx: &mut SystemTx, before: DateTime<Utc>, after: FileId, limit: i64) -> Result<Vec<File>, DbError> {
    let rows = sqlx::query_as!(
        FileRow,
        "select organization_id, id, object_key, kind, original_name, content_type, size, created_at
         from files
         where state <> 'live' and updated_at < $1 and id > $2
         order by id
         limit $3",
        before,
        after as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(File::try_from).collect()
}

/// Forgets a file whose object is gone, unless somebody made it live meanwhile.
pub(super) async fn forget_abandoned(tx: &mut SystemTx, organization: OrganizationId, file: FileId) -> Result<bool, DbError> {
    let done = sqlx::query!("delete from files where organization_id = $1 and id = $2 and state <> 'live'", organization as _, file as _)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Those of `keys` that a file has, whatever its state: its row is what the object is swept by.
pub(super) async fn known_keys(tx: &mut SystemTx, keys: &[String]) -> Result<Vec<String>, DbError> {
    let keys = sqlx::query_scalar!("select object_key from files where object_key = any($1)", keys).fetch_all(tx.conn()).await?;
    Ok(keys)
}

/// Those of `keys` from which an import still reads. `organizations` are those that the keys name.
pub(super) async fn keys_of_open_imports(tx: &mut SystemTx, organizations: &[Uuid], keys: &[String]) -> Result<Vec<String>, DbError> {
    let keys = sqlx::query_scalar!(
        "select object_key from contact_imports
         where organization_id = any($1) and state in ('queued', 'running') and object_key = any($2)",
        organizations,
        keys,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(keys)
}
