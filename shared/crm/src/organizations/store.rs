//! The statements over organizations.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use db::{DbError, IdentityTx, TenantTx};
use iso_currency::Currency;
use isocountry::CountryCode;
use kernel::{OrganizationId, Page, PageRequest, PhoneNumber, UserId};
use uuid::Uuid;

use super::{
    clients::{Client, ClientFilter},
    model::Organization,
    onboarding::Facts,
};

struct OrganizationRow {
    id: Uuid,
    name: String,
    slug: String,
    description: String,
    address: String,
    city: String,
    state: String,
    zip_code: String,
    country: Option<String>,
    currency: String,
    timezone: String,
    whatsapp_number: Option<String>,
    business_category: String,
    logo_file_id: Option<Uuid>,
    onboarding_dismissed_at: Option<DateTime<Utc>>,
    deactivated_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<OrganizationRow> for Organization {
    type Error = DbError;

    fn try_from(row: OrganizationRow) -> Result<Self, DbError> {
        let bad = |column| DbError::BadRow { table: "organizations", id: row.id.to_string(), column };
        Ok(Self {
            id: row.id.into(),
            country: row.country.map(|code| CountryCode::for_alpha2(&code)).transpose().map_err(|_| bad("country"))?,
            currency: Currency::from_code(&row.currency).ok_or_else(|| bad("currency"))?,
            timezone: row.timezone.parse::<Tz>().map_err(|_| bad("timezone"))?,
            whatsapp_number: row.whatsapp_number.map(PhoneNumber::from_row).transpose().map_err(|_| bad("whatsapp_number"))?,
            name: row.name,
            slug: row.slug,
            description: row.description,
            address: row.address,
            city: row.city,
            state: row.state,
            zip_code: row.zip_code,
            business_category: row.business_category,
            logo: row.logo_file_id.map(Into::into),
            onboarding_dismissed_at: row.onboarding_dismissed_at,
            deactivated_at: row.deactivated_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Adds an organization; tells whether its slug was free.
pub(super) async fn insert_if_free(tx: &mut IdentityTx, organization: &Organization) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into organizations (id, name, slug, created_at, updated_at) values ($1, $2, $3, $4, $5) on conflict (slug) do nothing",
        organization.id.uuid(),
        organization.name,
        organization.slug,
        organization.created_at,
        organization.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn find(tx: &mut TenantTx) -> Result<Option<Organization>, DbError> {
    let organization = tx.organization();
    let row = sqlx::query_as!(
        OrganizationRow,
        "select id, name, slug, description, address, city, state, zip_code, country, currency, timezone, whatsapp_number,
                business_category, logo_file_id, onboarding_dismissed_at, deactivated_at, created_at, updated_at
         from organizations
         where id = $1",
        organization.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Organization::try_from).transpose()
}

/// Locks the organization for a change of its row or a count of its records; rows that only refer to it can be written.
pub(super) async fn lock(tx: &mut TenantTx) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!("select id from organizations where id = $1 for no key update", organization.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

/// Whether the organization is active, and keeps it so until the end of the transaction: a deactivation waits.
pub(super) async fn lock_active(tx: &mut TenantTx) -> Result<bool, DbError> {
    let organization = tx.organization();
    let active = sqlx::query_scalar!(
        r#"select deactivated_at is null as "active!" from organizations where id = $1 for share"#,
        organization.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(active.unwrap_or(false))
}

/// Writes the profile.
pub(super) async fn update_profile(tx: &mut TenantTx, organization: &Organization) -> Result<(), DbError> {
    sqlx::query!(
        "update organizations
         set name = $2, description = $3, address = $4, city = $5, state = $6, zip_code = $7, country = $8, currency = $9, timezone = $10,
             whatsapp_number = $11, business_category = $12, updated_at = $13
         where id = $1",
        organization.id.uuid(),
        organization.name,
        organization.description,
        organization.address,
        organization.city,
        organization.state,
        organization.zip_code,
        organization.country.map(|country| country.alpha2()),
        organization.currency.code(),
        organization.timezone.name(),
        organization.whatsapp_number.as_ref().map(PhoneNumber::as_e164),
        organization.business_category,
        organization.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Puts the checklist away, or takes it out again.
pub(super) async fn update_onboarding(tx: &mut TenantTx, dismissed_at: Option<DateTime<Utc>>) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!("update organizations set onboarding_dismissed_at = $2 where id = $1", organization.uuid(), dismissed_at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What the records say of the checklist. One statement, so that one snapshot answers it all; each part ends at the first row it finds.
pub(super) async fn onboarding_facts(tx: &mut TenantTx, user: Option<UserId>) -> Result<Facts, DbError> {
    let facts = sqlx::query_as!(
        Facts,
        r#"select exists (select from users where email_verified_at is not null and ($1::uuid is null or id = $1)) as "email_verified!",
                  exists (select from channels where state = 'connected') as "channel_connected!",
                  exists (select from templates where status = 'APPROVED') as "template_approved!",
                  exists (select from contacts) as "has_contacts!",
                  exists (select from campaigns where launched_at is not null) as "campaign_launched!",
                  (select count(*) from (select from memberships limit 2) two) = 2 as "colleague_invited!""#,
        user.map(UserId::uuid),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(facts)
}

/// A page of clients, the newest first.
pub(super) async fn clients_page(tx: &mut IdentityTx, filter: &ClientFilter, request: PageRequest) -> Result<Page<Client>, DbError> {
    let rows = sqlx::query_as!(
        OrganizationRow,
        "select id, name, slug, description, address, city, state, zip_code, country, currency, timezone, whatsapp_number,
                business_category, logo_file_id, onboarding_dismissed_at, deactivated_at, created_at, updated_at
         from organizations
         where ($1::text is null or position(lower($1) in lower(name)) > 0)
           and ($2::boolean is null or (deactivated_at is null) = $2)
           and ($3::uuid is null or id < $3)
         order by id desc
         limit $4",
        filter.text,
        filter.active,
        request.after.map(|cursor| cursor.0),
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let organizations = rows.into_iter().map(Organization::try_from).collect::<Result<Vec<_>, _>>()?;
    let page = Page::from_rows(organizations, request, |organization| organization.id.uuid());
    let ids: Vec<Uuid> = page.data.iter().map(|organization| organization.id.uuid()).collect();
    let counted = members_count(tx, &ids).await?;
    Ok(page.map(|organization| {
        let members = counted.iter().find(|(id, _)| *id == organization.id.uuid()).map_or(0, |(_, n)| *n);
        Client { organization, members }
    }))
}

/// One client.
pub(super) async fn client_find(tx: &mut IdentityTx, id: OrganizationId) -> Result<Option<Client>, DbError> {
    let row = sqlx::query_as!(
        OrganizationRow,
        "select id, name, slug, description, address, city, state, zip_code, country, currency, timezone, whatsapp_number,
                business_category, logo_file_id, onboarding_dismissed_at, deactivated_at, created_at, updated_at
         from organizations
         where id = $1",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(organization) = row.map(Organization::try_from).transpose()? else { return Ok(None) };
    let members = members_count(tx, &[id.uuid()]).await?.first().map_or(0, |(_, n)| *n);
    Ok(Some(Client { organization, members }))
}

/// Locks a client for a change: whoever launches a campaign of it waits, and is waited for.
pub(super) async fn client_lock(tx: &mut IdentityTx, id: OrganizationId) -> Result<(), DbError> {
    sqlx::query!("select id from organizations where id = $1 for no key update", id.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

/// Writes what staff may change of a client.
pub(super) async fn client_update(tx: &mut IdentityTx, organization: &Organization) -> Result<(), DbError> {
    sqlx::query!(
        "update organizations
         set name = $2, timezone = $3, whatsapp_number = $4, business_category = $5, deactivated_at = $6, updated_at = $7
         where id = $1",
        organization.id.uuid(),
        organization.name,
        organization.timezone.name(),
        organization.whatsapp_number.as_ref().map(PhoneNumber::as_e164),
        organization.business_category,
        organization.deactivated_at,
        organization.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many members each of these organizations has, invited and disabled ones left out.
async fn members_count(tx: &mut IdentityTx, organizations: &[Uuid]) -> Result<Vec<(Uuid, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select organization_id, count(*) as "members!"
           from memberships
           where organization_id = any($1) and joined_at is not null and disabled_at is null
           group by organization_id"#,
        organizations,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.organization_id, row.members)).collect())
}
