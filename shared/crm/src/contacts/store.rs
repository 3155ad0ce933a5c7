//! All SQL of contacts and of the addresses that must not be messaged.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use kernel::{ContactId, EmailAddress, Page, PageRequest, PhoneNumber};
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

use super::model::{Contact, ContactFilter, OptIn};

struct ContactRow {
    id: Uuid,
    phone_number: Option<String>,
    name: String,
    email: Option<String>,
    tags: Vec<String>,
    attributes: Json<Map<String, Value>>,
    opt_in: String,
    locale: Option<String>,
    time_zone: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ContactRow> for Contact {
    type Error = DbError;

    fn try_from(row: ContactRow) -> Result<Self, DbError> {
        let id = row.id;
        let bad = |column| DbError::BadRow { table: "contacts", id: id.to_string(), column };
        Ok(Self {
            id: row.id.into(),
            phone_number: row.phone_number.map(PhoneNumber::from_row).transpose().map_err(|_| bad("phone_number"))?,
            name: row.name,
            email: row.email.as_deref().map(EmailAddress::parse).transpose().map_err(|_| bad("email"))?,
            tags: row.tags,
            attributes: row.attributes.0,
            opt_in: OptIn::from_word(&row.opt_in).ok_or_else(|| bad("opt_in"))?,
            locale: row.locale,
            time_zone: row.time_zone,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(super) async fn insert(tx: &mut TenantTx, contact: &Contact) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into contacts (organization_id, id, phone_number, name, email, tags, attributes, opt_in, locale, time_zone, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        organization as _,
        contact.id as _,
        contact.phone_number.as_ref().map(PhoneNumber::as_e164),
        contact.name,
        contact.email.as_ref().map(EmailAddress::as_str),
        &contact.tags,
        Json(&contact.attributes) as _,
        contact.opt_in.as_str(),
        contact.locale,
        contact.time_zone,
        contact.created_at,
        contact.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut TenantTx, contact: &Contact) -> Result<(), DbError> {
    sqlx::query!(
        "update contacts
         set phone_number = $2, name = $3, email = $4, tags = $5, attributes = $6, opt_in = $7, locale = $8, time_zone = $9, updated_at = $10
         where id = $1",
        contact.id as _,
        contact.phone_number.as_ref().map(PhoneNumber::as_e164),
        contact.name,
        contact.email.as_ref().map(EmailAddress::as_str),
        &contact.tags,
        Json(&contact.attributes) as _,
        contact.opt_in.as_str(),
        contact.locale,
        contact.time_zone,
        contact.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut TenantTx, id: ContactId) -> Result<Option<Contact>, DbError> {
    let row = sqlx::query_as!(
        ContactRow,
        r#"select id, phone_number, name, email, tags, attributes as "attributes: Json<Map<String, Value>>", opt_in, locale, time_zone,
                  created_at, updated_at
           from contacts
           where id = $1"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Contact::try_from).transpose()
}

/// As [`find`], and keeps others from changing the row until the transaction ends.
pub(super) async fn find_locked(tx: &mut TenantTx, id: ContactId) -> Result<Option<Contact>, DbError> {
    let row = sqlx::query_as!(
        ContactRow,
        r#"select id, phone_number, name, email, tags, attributes as "attributes: Json<Map<String, Value>>", opt_in, locale, time_zone,
                  created_at, updated_at
           from contacts
           where id = $1
           for update"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Contact::try_from).transpose()
}

/// Newest first.
pub(super) async fn page(tx: &mut TenantTx, filter: &ContactFilter, request: PageRequest) -> Result<Page<Contact>, DbError> {
    let pattern = filter.text.as_deref().map(contains_pattern);
    let rows = sqlx::query_as!(
        ContactRow,
        r#"select id, phone_number, name, email, tags, attributes as "attributes: Json<Map<String, Value>>", opt_in, locale, time_zone,
                  created_at, updated_at
           from contacts
           where ($1::uuid is null or id < $1)
             and ($2::text is null or name ilike $2 or email ilike $2 or phone_number like $2)
             and ($3::text is null or tags @> array[$3])
             and ($4::text is null or opt_in = $4)
           order by id desc
           limit $5"#,
        request.after.map(|cursor| cursor.0),
        pattern,
        filter.tag,
        filter.opt_in.map(OptIn::as_str),
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let contacts = rows.into_iter().map(Contact::try_from).collect::<Result<_, _>>()?;
    Ok(Page::from_rows(contacts, request, |contact| contact.id.uuid()))
}

pub(super) async fn delete(tx: &mut TenantTx, id: ContactId) -> Result<bool, DbError> {
    let done = sqlx::query!("delete from contacts where id = $1", id as _).execute(tx.conn()).await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that nothing the business begins may reach `address`. A stronger reason that is already there stays.
pub(super) async fn exceptions_opt_out(tx: &mut TenantTx, address: &PhoneNumber, now: DateTime<Utc>) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into contact_exceptions (organization_id, address, scope, reason, created_at)
         values ($1, $2, 'all', 'optedOut', $3)
         on conflict (organization_id, address) do update set scope = 'all' where contact_exceptions.scope <> 'all'",
        organization as _,
        address.as_e164(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes an opt-out back. Addresses that are suppressed or blocked stay so.
pub(super) async fn exceptions_opt_in(tx: &mut TenantTx, address: &PhoneNumber) -> Result<(), DbError> {
    sqlx::query!("delete from contact_exceptions where address = $1 and reason = 'optedOut'", address.as_e164()).execute(tx.conn()).await?;
    Ok(())
}

/// Whether the owner of `address` refused everything at some time, perhaps as a contact that is gone.
pub(super) async fn exceptions_is_opted_out(tx: &mut TenantTx, address: &PhoneNumber) -> Result<bool, DbError> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from contact_exceptions where address = $1 and reason = 'optedOut' and scope = 'all') as "found!""#,
        address.as_e164(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// A pattern for `like` that finds `text` anywhere, taken literally.
fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.trim().chars().filter(|character| *character != '\0') {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
