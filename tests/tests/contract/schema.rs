//! What the catalogue of the database must say, whatever tables and functions are added.

use db::testing::TestDatabase;
use sqlx::PgConnection;

/// Tables without an organization that the application's roles may touch, each with the reason in its migration.
const ACROSS_TENANTS: [&str; 8] =
    ["leaders", "ledger_beats", "organizations", "schedule_ticks", "schedules", "users", "webhook_events", "webhook_pending"];

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
                   where tablename = relname and permissive = 'PERMISSIVE' and qual like '%app.organization_id%' and roles = '{crm_tenant}'))
           and relname not in ('sessions')",
    )
    .await;
    assert!(open.is_empty(), "{open:#?}");
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
    let unlisted: Vec<_> = tables.iter().filter(|table| !ACROSS_TENANTS.contains(&table.as_str())).collect();
    assert!(unlisted.is_empty(), "{unlisted:?} can be touched and have no organization");
}

#[tokio::test]
async fn the_application_owns_nothing_and_bypasses_nothing() {
    let mut owner = TestDatabase::create().await.owner().await;
    for role in ROLES {
        let (superuser, bypasses, inherits): (bool, bool, bool) =
            sqlx::query_as("select rolsuper, rolbypassrls, rolinherit from pg_roles where rolname = $1")
                .bind(role)
                .fetch_one(&mut owner)
                .await
                .unwrap_or_else(|error| panic!("{role}: {error}"));
        assert!(!superuser && !bypasses && !inherits, "{role}");
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
