//! Records of every kind, made past the API, so that nothing of it is needed; and a look at everything that an organization has.

use kernel::{OrganizationId, UserId};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use uuid::Uuid;

use super::request::{Records, phone_number};

/// Stands in every text of another organization's records: no answer may contain it.
pub(crate) const CANARY: &str = "canary7f3a";

/// What is made for an organization (`$1`), a new id (`$2`), a text (`$3`), digits (`$4`), a phone number (`$5`) and a member (`$6`).
const STATEMENTS: [(&[&str], &str); 13] = [
    (
        &["JobId"],
        "insert into jobs (id, organization_id, kind, queue, payload, state, last_error)
         values ($2, $1, 'tests.nothing', 'bulk', '{}', 'dead', $3 || $4 || $5 || $6)",
    ),
    (
        &["ContactId"],
        "insert into contacts (organization_id, id, phone_number, name, opt_in, tags, created_at, updated_at)
         values ($1, $2, $5, $3, 'optedIn', array[$3 || $4, $3 || $6], now(), now())",
    ),
    (
        &["ImportId"],
        "insert into contact_imports (organization_id, id, state, object_key, size, mapping, dry_run, created_at, updated_at)
         values ($1, $2, 'completed', $3 || $4 || $5 || $6, 0, '{}', false, now(), now())",
    ),
    (
        &["ChannelId"],
        "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token,
                               messages_per_second, verified_name, created_at, updated_at)
         values ($1, $2, 'cloudApi', $3 || $5 || $6, $4, $4, 'connected', '', 80, $3, now(), now())",
    ),
    (
        &["TemplateId"],
        "with template as (
             insert into templates (organization_id, id, channel_id, business_account_id, name, language, category, parameter_format,
                                    components, status, reason, created_at, updated_at)
             select $1, $2, id, business_account_id, $3 || $4, 'en', 'MARKETING', 'POSITIONAL',
                    jsonb_build_array(jsonb_build_object('type', 'BODY', 'text', $3 || $5)), 'DRAFT', $3 || $6, now(), now()
             from channels where organization_id = $1 order by id desc limit 1
             returning organization_id, id, category, components),
         version as (
             insert into template_versions (organization_id, template_id, version, category, components, source, created_at)
             select organization_id, id, 1, category, components, 'user', now() from template)
         insert into template_drafts (organization_id, template_id, category, components, created_at, updated_at)
         select organization_id, id, category, components, now(), now() from template",
    ),
    (
        &["CampaignId"],
        "insert into campaigns (organization_id, id, name, channel_id, template_id, audience, variables, state, state_reason,
                                created_at, updated_at)
         select $1, $2, $3 || $4, channel_id, id, '{\"all\": true}', '{}', 'draft', $3 || $5 || $6, now(), now()
         from templates where organization_id = $1 order by id desc limit 1",
    ),
    (
        &["WebhookEventId"],
        "with raw as (
             insert into webhook_events (id, body, app) values ($2, convert_to(format('{\"object\": \"%s\"}', $3 || $4 || $5 || $6), 'utf8'), 0)
             returning id, received_at)
         insert into webhook_outcomes (id, received_at, state, organization_id) select id, received_at, 'deadLetter', $1 from raw",
    ),
    (
        &["UserId"],
        "with person as (
             insert into users (id, email, first_name, last_name, created_at, updated_at)
             values ($2, $3 || $4 || '@example.com', $3, $3 || $5 || $6, now(), now()) returning id)
         insert into memberships (organization_id, user_id, role, joined_at, created_at, updated_at)
         select $1, id, 'viewer', now(), now(), now() from person",
    ),
    (
        &["SessionId"],
        "insert into sessions (id, user_id, organization_id, family_hash, token_hash, rotated_at, expires_at, absolute_expires_at,
                               authenticated_at, user_agent, created_at)
         values ($2, $6::uuid, $1, sha256(convert_to($2::text || 'family', 'utf8')), sha256(convert_to($2::text, 'utf8')), now(),
                 now() + interval '7 days', now() + interval '30 days', now(), $3 || $4 || $5, now())",
    ),
    (
        &["RoleId"],
        "insert into roles (organization_id, id, key, name, description, permissions, created_at, updated_at)
         values ($1, $2, 'role-' || $4, $3 || $4, $3 || $5 || $6, '{contacts.read}', now(), now())",
    ),
    (
        &["ApiKeyId"],
        "insert into api_keys (organization_id, id, name, prefix, key_hash, permissions, created_by, created_at)
         values ($1, $2, $3 || $4 || $5, $3, sha256(convert_to($2::text, 'utf8')), '{contacts.read}', $6::uuid, now())",
    ),
    (
        &["FileId"],
        "insert into files (organization_id, id, object_key, kind, original_name, content_type, size, state, created_at, updated_at)
         values ($1, $2, format('images/%s/%s.webp', $1::uuid, $2::uuid), 'logo', $3 || $4 || $5 || $6, 'image/webp', 1, 'live', now(), now())",
    ),
    (
        &["MailId"],
        "insert into mails (organization_id, id, kind, to_address, variables, state, error, created_at, updated_at)
         values ($1, $2, 'test', $3 || $4 || '@example.com', '{}', 'sent', $3 || $5 || $6, now(), now())",
    ),
];

/// One record of every kind, with `text` in whatever can hold a text.
pub(crate) async fn records_of(organization: OrganizationId, member: UserId, text: &str, owner: &mut PgConnection) -> Records {
    let digits = rand::random_range(10_u64.pow(14)..10_u64.pow(15)).to_string();
    let mut records = Records::from([("OrganizationId", organization.to_string()), ("BusinessAccountId", digits.clone())]);
    for (kinds, statement) in STATEMENTS {
        let id = Uuid::now_v7();
        let query = sqlx::query(statement).bind(organization.uuid()).bind(id).bind(text).bind(&digits);
        let done = query.bind(phone_number()).bind(member.to_string()).execute(&mut *owner).await;
        assert_eq!(done.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected(), 1, "{statement}");
        records.extend(kinds.iter().map(|kind| (*kind, id.to_string())));
    }
    records
}

/// Sees every row of an organization: those that name it, those of its members, and its own.
pub(crate) struct Watch {
    statement: String,
    organization: OrganizationId,
    connection: PgConnection,
}

impl Watch {
    /// Asks the catalogue for the tables, so that a new one is in by itself.
    pub(crate) async fn over(organization: OrganizationId, mut owner: PgConnection) -> Self {
        let tables = sqlx::query(
            "select relname::text,
                    exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'organization_id' and not attisdropped),
                    exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'user_id' and not attisdropped)
             from pg_class
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
             order by relname",
        )
        .fetch_all(&mut owner)
        .await
        .expect("the catalogue");
        let members = "in (select user_id from memberships where organization_id = $1)";
        let looks: Vec<String> = tables
            .iter()
            .filter_map(|row| {
                let table: &str = row.get(0);
                let condition = match (table, row.get(1), row.get(2)) {
                    ("organizations", ..) => "id = $1".to_owned(),
                    ("users", ..) => format!("id {members}"),
                    (_, true, _) => "organization_id = $1".to_owned(),
                    (_, false, true) => format!("user_id {members}"),
                    (_, false, false) => return None,
                };
                Some(format!("select '{table}' as name, md5(coalesce(string_agg(r::text, '|' order by r::text), '')) as hash from {table} as r where {condition}"))
            })
            .collect();
        assert!(looks.len() > 20, "the catalogue shows {} tables only", looks.len());
        let statement =
            format!("select string_agg(name || ' ' || hash, E'\\n' order by name) from ({}) as looks", looks.join(" union all "));
        Self { statement, organization, connection: owner }
    }

    /// A line for each table; two that are equal mean that nothing changed in between.
    pub(crate) async fn look(&mut self) -> String {
        let query = sqlx::query_scalar(AssertSqlSafe(self.statement.clone())).bind(self.organization.uuid());
        query.fetch_one(&mut self.connection).await.expect("a look at every table")
    }
}

/// The lines of `after` that `before` does not have: which tables changed.
pub(crate) fn changed(before: &str, after: &str) -> Vec<String> {
    let before: Vec<_> = before.lines().collect();
    after.lines().filter(|line| !before.contains(line)).map(|line| line.split(' ').next().unwrap_or(line).to_owned()).collect()
}

#[tokio::test]
async fn a_row_that_changed_comes_or_goes_shows() {
    let app = tests::app::TestApp::start().await;
    let member = &app.admin;
    let mut owner = app.database.owner().await;
    records_of(member.organization, member.user, "own", &mut owner).await;
    let mut watch = Watch::over(member.organization, app.database.owner().await).await;
    let first = watch.look().await;
    assert_eq!(watch.look().await, first, "looking changes nothing");
    let mut before = first;
    for (statement, table) in [
        ("update contacts set name = name || 'x'", "contacts"),
        ("delete from campaigns", "campaigns"),
        ("update users set first_name = first_name || 'x'", "users"),
        ("update organizations set city = 'x'", "organizations"),
        ("insert into two_step (user_id, secret, created_at) select id, '', now() from users", "two_step"),
    ] {
        sqlx::query(statement).execute(&mut owner).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let after = watch.look().await;
        assert_eq!(changed(&before, &after), [table], "{statement}");
        before = after;
    }
}
