//! What the catalogue of the database must say, whatever tables and functions are added.

use db::testing::TestDatabase;
use kernel::{OrganizationId, UserId};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use super::records::records_of;

/// Tables without an organization that the application's roles may touch, each with the reason.
const ACROSS_TENANTS: [(&str, &str); 13] = [
    ("leaders", "which scheduler leads"),
    ("ledger_beats", "the guard's look at the whole server"),
    ("login_failures", "keyed hashes of accounts and networks, counted before anybody is known"),
    ("organizations", "is the organization: its policy compares the id"),
    ("password_reset_requests", "somebody forgot a password: who, is not known yet"),
    ("recovery_codes", "belong to a user, seen by crm_identity only"),
    ("schedule_ticks", "the cron page of the installation"),
    ("schedules", "the cron page of the installation"),
    ("template_creations", "the lane of an account of the provider, which several organizations may share"),
    ("two_step", "belongs to a user, seen by crm_identity only"),
    ("users", "one account per address; seen through the own memberships"),
    ("webhook_events", "raw bodies, whose organization a fold finds out; seen through webhook_outcomes"),
    ("webhook_pending", "ids of raw bodies that wait"),
];

/// Tables that name an organization and are closed to its members all the same: only crm_identity sees them.
const NOT_FOR_TENANTS: [(&str, &str); 1] = [("one_time_tokens", "hashes of links in mails")];

/// Columns that are hashes or secrets, and which a transaction of a tenant may read all the same.
const HASHES_OF_TENANTS: [(&str, &str); 5] = [
    ("api_keys.key_hash", "of 256 random bits; no route shows it"),
    ("audit_events.hash", "the chain, which anybody of the organization may verify"),
    ("audit_heads.hash", "the chain"),
    ("channels.access_token", "sealed"),
    ("idempotency_keys.request_hash", "of the own requests"),
];

/// Functions that run with their owner's rights: each looks or tidies up, and takes no name or text.
const DEFINERS: [&str; 6] = [
    "analyze_ledger",
    "applied_migration",
    "drop_webhook_partitions",
    "ensure_ledger_partitions",
    "ensure_webhook_partitions",
    "ledger_identity",
];

/// Roles that the application works as.
const ROLES: [&str; 4] = ["crm_app", "crm_identity", "crm_system", "crm_tenant"];

async fn names(owner: &mut PgConnection, statement: &'static str) -> Vec<String> {
    sqlx::query_scalar(statement).fetch_all(owner).await.unwrap_or_else(|error| panic!("{statement}: {error}"))
}

#[tokio::test]
async fn every_table_of_a_tenant_is_closed_to_others() {
    let mut owner = TestDatabase::create().await.owner().await;
    let open = names(
        &mut owner,
        "select format('%s: forced row security and the policy of the tenant are missing', relname)
         from pg_class
         join pg_attribute on attrelid = pg_class.oid and attname = 'organization_id' and not attisdropped
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
           and not (
               relrowsecurity and relforcerowsecurity
               and exists (
                   select from pg_policies
                   where tablename = relname and permissive = 'PERMISSIVE' and qual like '%app.organization_id%' and roles = '{crm_tenant}'))",
    )
    .await;
    let listed = |line: &&String| NOT_FOR_TENANTS.iter().any(|(table, _)| line.starts_with(&format!("{table}:")));
    let unlisted: Vec<_> = open.iter().filter(|line| !listed(line)).collect();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    assert_eq!(open.len(), NOT_FOR_TENANTS.len(), "{open:#?}");
}

#[tokio::test]
async fn no_tenant_reads_what_proves_who_somebody_is() {
    let mut owner = TestDatabase::create().await.owner().await;
    let readable = names(
        &mut owner,
        "select relname || '.' || attname
         from pg_attribute join pg_class on attrelid = pg_class.oid
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and attnum > 0 and not attisdropped
           and (attname ~ '(hash|secret|password|token)$') and has_column_privilege('crm_tenant', attrelid, attnum, 'select')
         order by 1",
    )
    .await;
    let unlisted: Vec<_> = readable.iter().filter(|column| !HASHES_OF_TENANTS.iter().any(|(listed, _)| listed == column)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}

#[tokio::test]
async fn row_security_is_on_and_forced_for_every_table_that_the_application_reaches() {
    let mut owner = TestDatabase::create().await.owner().await;
    let open = names(
        &mut owner,
        "select distinct relname::text
         from information_schema.role_table_grants as grants
         join pg_class on relname = table_name and relnamespace = 'public'::regnamespace
         where grantee in ('crm_app', 'crm_identity', 'crm_system', 'crm_tenant', 'PUBLIC') and table_schema = 'public'
           and not (relrowsecurity and relforcerowsecurity)",
    )
    .await;
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn what_a_tenant_may_write_stays_its_own() {
    let mut owner = TestDatabase::create().await.owner().await;
    // A policy without a condition of its own for new rows applies that for old ones to them too.
    let loose = names(
        &mut owner,
        "select format('%s: %s', tablename, coalesce(with_check, qual, 'anything'))
         from pg_policies
         where roles && '{crm_tenant,public}' and cmd in ('ALL', 'INSERT', 'UPDATE')
           and coalesce(with_check, qual, '') not like '%(%id = (NULLIF(current_setting(''app.organization_id''%'",
    )
    .await;
    assert!(loose.is_empty(), "{loose:#?}");
}

#[tokio::test]
async fn what_one_organization_refers_to_is_its_own() {
    let mut owner = TestDatabase::create().await.owner().await;
    let loose = names(
        &mut owner,
        "with tenants as (
             select attrelid as id from pg_attribute where attname = 'organization_id' and not attisdropped)
         select format('%s: %s', conrelid::regclass, pg_get_constraintdef(pg_constraint.oid))
         from pg_constraint
         where contype = 'f' and conrelid in (select id from tenants) and confrelid in (select id from tenants)
           and not exists (
               select from unnest(conkey, confkey) as pair (here, there)
               join pg_attribute own on own.attrelid = conrelid and own.attnum = here and own.attname = 'organization_id'
               join pg_attribute theirs on theirs.attrelid = confrelid and theirs.attnum = there and theirs.attname = 'organization_id')",
    )
    .await;
    assert!(loose.is_empty(), "{loose:#?}");
}

#[tokio::test]
async fn views_show_what_their_reader_may_see() {
    let mut owner = TestDatabase::create().await.owner().await;
    let open = names(
        &mut owner,
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace
           and (relkind = 'v' and not coalesce('security_invoker=true' = any (reloptions), false) or relkind = 'm')",
    )
    .await;
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn functions_with_their_owners_rights_are_listed() {
    let mut owner = TestDatabase::create().await.owner().await;
    let functions =
        names(&mut owner, "select proname::text from pg_proc where pronamespace = 'public'::regnamespace and prosecdef order by 1").await;
    assert_eq!(functions, DEFINERS);
}

/// The catalogue says what is meant; here it is tried, on every table in which two organizations have rows.
#[tokio::test]
async fn no_statement_reaches_the_rows_of_another_organization() {
    let mut owner = TestDatabase::create().await.owner().await;
    let (own, foreign) = (organization(&mut owner).await, organization(&mut owner).await);
    let tables = names(
        &mut owner,
        "select relname::text from pg_class
         join pg_attribute on attrelid = pg_class.oid and attname = 'organization_id' and not attisdropped
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition",
    )
    .await;
    let mut tried = 0;
    for table in tables {
        let rows = count(&mut owner, &table, own).await;
        if rows == 0 || NOT_FOR_TENANTS.iter().any(|(closed, _)| *closed == table) {
            continue;
        }
        let mut tx = owner.begin().await.expect("a transaction");
        run(&mut tx, &format!("set local role crm_tenant; set local app.organization_id = '{own}'")).await.expect("the role of a tenant");
        assert_eq!(count(&mut tx, &table, own).await, rows, "{table}: one's own rows are seen");
        assert_eq!(count(&mut tx, &table, foreign).await, 0, "{table}: rows of another are seen");
        for attempt in [
            format!("update {table} set organization_id = '{foreign}' where organization_id = '{own}'"),
            format!(
                "insert into {table} select (jsonb_populate_record(r, jsonb_build_object('organization_id', '{foreign}'))).* from {table} r limit 1"
            ),
        ] {
            run(&mut tx, "savepoint attempt").await.expect("a savepoint");
            let refused = run(&mut tx, &attempt).await.expect_err(&attempt);
            let code = refused.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
            // insufficient_privilege; or a column whose value the server gives.
            assert!(matches!(code.as_deref(), Some("42501" | "428C9")), "{attempt}: {refused}");
            run(&mut tx, "rollback to savepoint attempt").await.expect("back");
        }
        tx.rollback().await.expect("rolled back");
        tried += 1;
    }
    assert!(tried >= 10, "only {tried} tables have rows to try it on");
}

/// An organization with a member and a record of every kind.
async fn organization(owner: &mut PgConnection) -> Uuid {
    let (organization, member) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query("insert into organizations (id, name, slug, created_at, updated_at) values ($1, 'A', $1::text, now(), now())")
        .bind(organization)
        .execute(&mut *owner)
        .await
        .expect("an organization");
    sqlx::query(
        "insert into users (id, email, first_name, last_name, created_at, updated_at) values ($1, $1::text || '@example.com', 'A', 'B', now(), now())",
    )
    .bind(member)
    .execute(&mut *owner)
    .await
    .expect("a member");
    records_of(OrganizationId::from(organization), UserId::from(member), "own", owner).await;
    organization
}

async fn count(connection: &mut PgConnection, table: &str, organization: Uuid) -> i64 {
    let statement = format!("select count(*) from {table} where organization_id = $1");
    sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(organization)
        .fetch_one(connection)
        .await
        .unwrap_or_else(|error| panic!("{table}: {error}"))
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.map(drop)
}

#[tokio::test]
async fn nothing_lets_a_tenant_see_more_than_its_own_rows() {
    let mut owner = TestDatabase::create().await.owner().await;
    let loose = names(
        &mut owner,
        "select format('%s: policy %s', tablename, policyname)
         from pg_policies
         where roles && '{crm_tenant,public}' and qual not like '%organization_id%' and qual not like '%memberships%'",
    )
    .await;
    // The tenant's own row of organizations is found by its id.
    assert!(loose.is_empty() || loose == ["organizations: policy tenant"], "{loose:#?}");
}

#[tokio::test]
async fn partitions_are_reached_through_their_parents_only() {
    let mut owner = TestDatabase::create().await.owner().await;
    let granted = names(
        &mut owner,
        "select distinct format('%s to %s', table_name, grantee)
         from information_schema.role_table_grants
         join pg_class on relname = table_name and relispartition
         where grantee like 'crm\\_%' and grantee <> 'crm_owner'",
    )
    .await;
    assert!(granted.is_empty(), "{granted:#?}");
}

#[tokio::test]
async fn tables_without_an_organization_are_listed() {
    let mut owner = TestDatabase::create().await.owner().await;
    let tables = names(
        &mut owner,
        "select distinct table_name::text
         from information_schema.role_table_grants as grants
         where grantee in ('crm_app', 'crm_identity', 'crm_system', 'crm_tenant', 'PUBLIC') and table_schema = 'public'
           and (not exists (
                   select from information_schema.columns
                   where columns.table_schema = 'public' and columns.table_name = grants.table_name and column_name = 'organization_id'))
         order by 1",
    )
    .await;
    let unlisted: Vec<_> = tables.iter().filter(|table| !ACROSS_TENANTS.iter().any(|(listed, _)| listed == table)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?} can be touched and have no organization");
}

#[tokio::test]
async fn the_application_owns_nothing_and_bypasses_nothing() {
    let mut owner = TestDatabase::create().await.owner().await;
    for role in ROLES {
        let (mighty, logs_in): (bool, bool) = sqlx::query_as(
            "select rolsuper or rolbypassrls or rolinherit or rolcreaterole or rolcreatedb or rolreplication, rolcanlogin
             from pg_roles where rolname = $1",
        )
        .bind(role)
        .fetch_one(&mut owner)
        .await
        .unwrap_or_else(|error| panic!("{role}: {error}"));
        assert!(!mighty, "{role}");
        assert_eq!(logs_in, role == "crm_app", "{role}");
    }
    let belongings = names(
        &mut owner,
        "select relname::text from pg_class join pg_roles on pg_roles.oid = relowner
         where rolname in ('crm_app', 'crm_identity', 'crm_system', 'crm_tenant')",
    )
    .await;
    assert!(belongings.is_empty(), "{belongings:?}");
    let direct =
        names(&mut owner, "select distinct table_name::text from information_schema.role_table_grants where grantee = 'crm_app'").await;
    assert!(direct.is_empty(), "crm_app has rights of its own on {direct:?}");
}

#[tokio::test]
async fn every_function_fixes_its_search_path() {
    let mut owner = TestDatabase::create().await.owner().await;
    let loose = names(
        &mut owner,
        "select proname::text from pg_proc
         where pronamespace = 'public'::regnamespace
           and not exists (select from unnest(proconfig) as setting where setting like 'search_path=%')",
    )
    .await;
    assert!(loose.is_empty(), "{loose:?}");
}

#[tokio::test]
async fn no_function_with_its_owners_rights_is_open_to_all() {
    let mut owner = TestDatabase::create().await.owner().await;
    let open = names(
        &mut owner,
        "select proname::text from pg_proc
         where pronamespace = 'public'::regnamespace and prosecdef and has_function_privilege('public', oid, 'execute')",
    )
    .await;
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn a_forgotten_organization_shows_no_rows() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    sqlx::query("insert into organizations (id, name, slug, created_at, updated_at) values (gen_random_uuid(), 'A', 'a', now(), now())")
        .execute(&mut owner)
        .await
        .expect("an organization");
    let mut tx = sqlx::Connection::begin(&mut owner).await.expect("a transaction");
    sqlx::query("set local role crm_tenant").execute(&mut *tx).await.expect("the role");
    let seen: i64 = sqlx::query_scalar("select count(*) from organizations").fetch_one(&mut *tx).await.expect("a count");
    assert_eq!(seen, 0);
}
