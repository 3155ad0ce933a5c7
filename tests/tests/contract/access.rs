//! Who may call what, asked of every route in the API description: a new route is in these walks by itself.

use std::collections::BTreeMap;

use kernel::OrganizationId;
use reqwest::StatusCode;
use sqlx::PgConnection;
use tests::app::{Answer, Client, TestApp};
use uuid::Uuid;

use super::document::{Operation, operations};

/// What anybody may call. Everything else needs a login.
const OPEN: [&str; 17] = [
    "GET /api/health",
    "GET /api/whatsapp/webhook",
    "GET /livez",
    "GET /readyz",
    "GET /webhook/incoming",
    "POST /api/auth/callback/credentials",
    "POST /api/auth/forgot-password",
    "POST /api/auth/login",
    "POST /api/auth/logout",
    "POST /api/auth/refresh",
    "POST /api/auth/register",
    "POST /api/auth/reset-password",
    "POST /api/auth/signup",
    "POST /api/auth/verify-email",
    "POST /api/register",
    "POST /api/whatsapp/webhook",
    "POST /webhook/incoming",
];

/// What any member may call, whatever the role.
const ANY_MEMBER: [&str; 3] = ["GET /api/auth/me", "GET /api/auth/session", "GET /api/organizations/current"];

fn name(operation: &Operation) -> String {
    format!("{} {}", operation.method, operation.path)
}

async fn call(client: &Client, operation: &Operation, id: &str) -> Answer {
    let request = client.request(operation.method.clone(), &operation.path_with(id));
    let request = match operation.body() {
        Some(body) => request.json(&body),
        None => request,
    };
    client.send(request).await
}

#[tokio::test]
async fn only_open_routes_answer_without_a_token() {
    let app = TestApp::start().await;
    for operation in operations() {
        let name = name(&operation);
        assert_eq!(operation.is_open(), OPEN.contains(&name.as_str()), "{name}");
        if !operation.is_open() {
            let answer = call(app.anybody(), &operation, &Uuid::nil().to_string()).await;
            answer.problem(StatusCode::UNAUTHORIZED, "sign-in-required");
        }
    }
}

#[tokio::test]
async fn a_route_asks_for_the_right_that_its_description_names() {
    use crm::identity::{Permission, Role};
    let app = TestApp::start().await;
    for role in [Role::Viewer, Role::Agent, Role::Marketing] {
        let member = app.colleague(role.as_str()).await;
        for operation in operations().iter().filter(|operation| !operation.is_open()) {
            let name = name(operation);
            let Some(word) = operation.permission() else {
                assert!(ANY_MEMBER.contains(&name.as_str()), "{name} names no right");
                continue;
            };
            let permission = Permission::ALL.iter().find(|permission| permission.as_str() == word).expect("a right of the table");
            let answer = call(&member.client, operation, &Uuid::nil().to_string()).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !role.has(*permission), "{name} as {}: {}", role.as_str(), answer.text());
        }
    }
}

#[tokio::test]
async fn what_belongs_to_another_organization_does_not_exist() {
    let app = TestApp::start().await;
    let stranger = app.stranger().await;
    let records = records_of(stranger.organization, &mut app.database.owner().await).await;
    for operation in operations().iter().filter(|operation| operation.names_a_record()) {
        let name = name(operation);
        let id = records.get(operation.collection()).unwrap_or_else(|| panic!("{name}: no record of another organization is made for it"));
        let foreign = call(&app.admin.client, operation, &id.to_string()).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{name}: {}", foreign.text());
        // Nor does the answer differ from that for what nobody has.
        let absent = call(&app.admin.client, operation, &Uuid::now_v7().to_string()).await;
        assert_eq!(absent.status, StatusCode::NOT_FOUND, "{name}: {}", absent.text());
        assert_eq!(foreign.json::<serde_json::Value>()["type"], absent.json::<serde_json::Value>()["type"], "{name}");
    }
}

#[tokio::test]
async fn a_malformed_id_is_told_as_such() {
    let app = TestApp::start().await;
    for operation in operations().iter().filter(|operation| operation.names_a_record()) {
        let answer = call(&app.admin.client, operation, "not-an-id").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}: {}", name(operation), answer.text());
    }
}

/// One record of every collection, made past the API, so that nothing of it is needed.
async fn records_of(organization: OrganizationId, owner: &mut PgConnection) -> BTreeMap<&'static str, Uuid> {
    let statements: [(&[&str], &str); 7] = [
        (
            &["jobs"],
            "insert into jobs (id, organization_id, kind, queue, payload, state) values ($2, $1, 'tests.nothing', 'bulk', '{}', 'dead')",
        ),
        (
            &["contacts"],
            "insert into contacts (organization_id, id, phone_number, name, opt_in, created_at, updated_at)
             values ($1, $2, '+4915123456789', 'Ada', 'optedIn', now(), now())",
        ),
        (
            &["contacts/imports"],
            "insert into contact_imports (organization_id, id, state, object_key, size, mapping, dry_run, created_at, updated_at)
             values ($1, $2, 'completed', 'nothing', 0, '{}', false, now(), now())",
        ),
        (
            &["whatsapp/channels"],
            "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token,
                                   messages_per_second, created_at, updated_at)
             values ($1, $2, 'cloudApi', 'Support', '1', '1', 'connected', '', 80, now(), now())",
        ),
        (
            &["templates", "whatsapp/templates"],
            "insert into templates (organization_id, id, channel_id, business_account_id, name, language, category, parameter_format,
                                    components, status, created_at, updated_at)
             select $1, $2, id, '1', 'hello', 'en', 'MARKETING', 'POSITIONAL', '[]', 'DRAFT', now(), now() from channels",
        ),
        (
            &["campaigns"],
            "insert into campaigns (organization_id, id, name, channel_id, template_id, audience, variables, state, created_at, updated_at)
             select $1, $2, 'Sale', channel_id, id, '{}', '{}', 'draft', now(), now() from templates",
        ),
        (
            &["webhook-events"],
            "with raw as (insert into webhook_events (id, body, app) values ($2, '{}', 0) returning id, received_at)
             insert into webhook_outcomes (id, received_at, state, organization_id) select id, received_at, 'deadLetter', $1 from raw",
        ),
    ];
    let mut records = BTreeMap::new();
    for (collections, statement) in statements {
        let id = Uuid::now_v7();
        let done = sqlx::query(statement).bind(organization.uuid()).bind(id).execute(&mut *owner).await;
        assert_eq!(done.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected(), 1, "{statement}");
        records.extend(collections.iter().map(|collection| (*collection, id)));
    }
    records
}
