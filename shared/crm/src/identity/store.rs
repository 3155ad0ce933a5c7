//! The statements over accounts and memberships that several use cases share.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx, TenantTx};
use kernel::{OrganizationId, UserId};
use uuid::Uuid;

use super::{
    model::{Registration, User},
    rights::Role,
};

/// What signing in must know of an account.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) user: UserId,
    pub(super) email: String,
    /// None while the account is only invited.
    pub(super) password_hash: Option<String>,
    pub(super) organization: OrganizationId,
    pub(super) membership: Membership,
    /// Whether signing in takes a second step.
    pub(super) two_step: bool,
}

/// How an account stands in its organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    Active,
    Invited,
    Disabled,
    OrganizationDeactivated,
}

struct AccountRow {
    user_id: Uuid,
    email: String,
    password_hash: Option<String>,
    organization_id: Uuid,
    membership: String,
    two_step: bool,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        let membership = match row.membership.as_str() {
            "active" => Membership::Active,
            "invited" => Membership::Invited,
            "disabled" => Membership::Disabled,
            _ => Membership::OrganizationDeactivated,
        };
        Self {
            user: row.user_id.into(),
            email: row.email,
            password_hash: row.password_hash,
            organization: row.organization_id.into(),
            membership,
            two_step: row.two_step,
        }
    }
}

/// Reads an account, one row for each organization; `$which`, the end of the statement, says of whom and in which of them.
macro_rules! account_find {
    ($tx:expr, $which:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            AccountRow,
            r#"select users.id as user_id, users.email, users.password_hash, memberships.organization_id,
                      case when organizations.deactivated_at is not null then 'deactivated'
                           when memberships.disabled_at is not null then 'disabled'
                           when memberships.joined_at is null then 'invited'
                           else 'active'
                      end as "membership!",
                      two_step.confirmed_at is not null as "two_step!"
               from users
               join memberships on memberships.user_id = users.id
               join organizations on organizations.id = memberships.organization_id
               left join two_step on two_step.user_id = users.id
               "# + $which,
            $($argument),+
        )
        .fetch_optional($tx.conn())
    };
}

/// The account of an address or user name (in lower case), in the first organization in which it may sign in, or else in its first one.
pub(super) async fn account_by_name(tx: &mut IdentityTx, name: &str) -> Result<Option<Account>, DbError> {
    let row = account_find!(
        tx,
        "where lower(users.email) = $1 or users.username = $1
         order by (memberships.joined_at is not null and memberships.disabled_at is null and organizations.deactivated_at is null) desc,
                  memberships.created_at, memberships.organization_id
         limit 1",
        name,
    );
    Ok(row.await?.map(Into::into))
}

/// The account of a member of an organization.
pub(super) async fn account_of_member(tx: &mut IdentityTx, organization: OrganizationId, user: UserId) -> Result<Option<Account>, DbError> {
    let row = account_find!(tx, "where users.id = $1 and memberships.organization_id = $2", user.uuid(), organization.uuid());
    Ok(row.await?.map(Into::into))
}

pub(super) async fn user_insert(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    registration: &Registration,
    password_hash: &str,
    terms_version: &str,
) -> Result<User, DbError> {
    let user = User {
        id: UserId::at(now),
        email: registration.email.as_str().to_owned(),
        username: None,
        first_name: registration.first_name.clone(),
        last_name: registration.last_name.clone(),
        phone_number: registration.phone_number.as_ref().map(|number| number.as_e164().to_owned()),
        whatsapp_phone: None,
        email_verified_at: None,
        created_at: now,
    };
    sqlx::query!(
        "insert into users
             (id, email, first_name, last_name, phone_number, password_hash, terms_accepted_at, terms_version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $7, $7)",
        user.id.uuid(),
        user.email,
        user.first_name,
        user.last_name,
        user.phone_number,
        password_hash,
        now,
        terms_version,
    )
    .execute(tx.conn())
    .await?;
    Ok(user)
}

pub(super) async fn membership_insert(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into memberships (organization_id, user_id, role, joined_at, created_at, updated_at) values ($1, $2, $3, $4, $4, $4)",
        organization.uuid(),
        user.uuid(),
        role.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An account, for a member of the same organization.
pub(super) async fn user_find(tx: &mut TenantTx, id: UserId) -> Result<Option<User>, DbError> {
    let row = sqlx::query!(
        "select id, email, username, first_name, last_name, phone_number, whatsapp_phone, email_verified_at, created_at
         from users
         where id = $1",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| User {
        id: row.id.into(),
        email: row.email,
        username: row.username,
        first_name: row.first_name,
        last_name: row.last_name,
        phone_number: row.phone_number,
        whatsapp_phone: row.whatsapp_phone,
        email_verified_at: row.email_verified_at,
        created_at: row.created_at,
    }))
}

/// The address of an account.
pub(super) async fn email_find(tx: &mut IdentityTx, id: UserId) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!("select email from users where id = $1", id.uuid()).fetch_optional(tx.conn()).await?)
}

/// What everybody knows of a member: address, names, and the name of the organization.
pub(super) async fn own_words(tx: &mut IdentityTx, organization: OrganizationId, user: UserId) -> Result<Vec<String>, DbError> {
    let row = sqlx::query!(
        r#"select email, first_name, last_name, username, (select name from organizations where id = $2) as organization
           from users
           where id = $1"#,
        user.uuid(),
        organization.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map_or_else(Vec::new, |row| {
        [row.email, row.first_name, row.last_name].into_iter().chain(row.username).chain(row.organization).collect()
    }))
}

/// Whether an account may still sign in as it could when it was read. If so, it stays like that until the end of the transaction: who changes
/// the password or disables the member waits. The first lock of a transaction.
pub(super) async fn lock_unchanged(tx: &mut IdentityTx, account: &Account) -> Result<bool, DbError> {
    let unchanged = sqlx::query_scalar!(
        r#"select true as "unchanged!"
           from users
           join memberships on memberships.user_id = users.id
           where users.id = $1 and memberships.organization_id = $2
             and users.password_hash = $3
             and memberships.joined_at is not null and memberships.disabled_at is null
             and exists (select from two_step where two_step.user_id = users.id and two_step.confirmed_at is not null) = $4
           for no key update of users
           for share of memberships"#,
        account.user.uuid(),
        account.organization.uuid(),
        account.password_hash,
        account.two_step,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(unchanged.is_some())
}

/// Locks an account: its logins of the same moment come before or after. The first lock of a transaction.
pub(super) async fn lock(tx: &mut IdentityTx, user: UserId) -> Result<(), DbError> {
    sqlx::query!("select id from users where id = $1 for no key update", user.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

/// Stores a new hash, unless the password was changed meanwhile; answers whether it did.
pub(super) async fn password_replace(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId, old: &str, new: &str) -> Result<bool, DbError> {
    let replaced = sqlx::query!(
        "update users set password_hash = $3, updated_at = $4 where id = $1 and password_hash = $2",
        user.uuid(),
        old,
        new,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(replaced.rows_affected() == 1)
}

/// Stores the hash of a new password.
pub(super) async fn password_set(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId, hash: &str) -> Result<(), DbError> {
    sqlx::query!("update users set password_hash = $2, updated_at = $3 where id = $1", user.uuid(), hash, now).execute(tx.conn()).await?;
    Ok(())
}

/// Notes that whoever has the account reads its address; the first time counts.
pub(super) async fn email_verified(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId) -> Result<(), DbError> {
    sqlx::query!("update users set email_verified_at = $2, updated_at = $2 where id = $1 and email_verified_at is null", user.uuid(), now,)
        .execute(tx.conn())
        .await?;
    Ok(())
}
