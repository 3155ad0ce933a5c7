//! Roles of an organization's own.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::TestApp;

const ROLES: &str = "/api/roles";

async fn create(app: &TestApp, name: &str, permissions: &[&str]) -> Value {
    app.post_json(ROLES, json!({ "name": name, "permissions": permissions })).await.expect(StatusCode::CREATED).json()
}

#[tokio::test]
async fn the_built_in_roles_are_listed_before_the_organizations_own() {
    let app = TestApp::start().await;
    app.stranger().await.client.post_json(ROLES, json!({ "name": "Theirs", "permissions": [] })).await.expect(StatusCode::CREATED);
    create(&app, "Front desk", &["contacts.read"]).await;
    let list: Value = app.get(ROLES).await.expect(StatusCode::OK).json();
    let roles = list["data"].as_array().unwrap();
    let keys: Vec<_> = roles.iter().map(|role| role["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["admin", "marketing", "agent", "viewer", "acquisitions", "caller", "investor", "front-desk"]);
    assert_eq!((&roles[6]["id"], &roles[6]["builtIn"]), (&Value::Null, &json!(true)));
    assert_eq!(roles[6]["permissions"], json!(["campaigns.read", "channels.read", "templates.read"]));
    assert_eq!((&roles[7]["builtIn"], &roles[7]["permissions"]), (&json!(false), &json!(["contacts.read"])));
}

#[tokio::test]
async fn a_member_may_what_the_role_says_at_this_moment() {
    let app = TestApp::start().await;
    let role = create(&app, "Front desk", &["contacts.read"]).await;
    let path = format!("{ROLES}/{}", role["id"].as_str().unwrap());
    let member = app.colleague("front-desk").await;
    let me: Value = member.client.get("/api/auth/me").await.expect(StatusCode::OK).json();
    assert_eq!((&me["role"], &me["permissions"]), (&json!("front-desk"), &json!(["contacts.read"])));
    member.client.get("/api/contacts").await.expect(StatusCode::OK);
    member.client.get("/api/campaigns").await.problem(StatusCode::FORBIDDEN, "right-missing");

    let change = json!({ "name": "Reception", "permissions": ["campaigns.read"] });
    let changed: Value = app.patch_json(&path, change).await.expect(StatusCode::OK).json();
    assert_eq!((&changed["name"], &changed["key"], &changed["members"]), (&json!("Reception"), &json!("front-desk"), &json!(1)));
    member.client.get("/api/contacts").await.problem(StatusCode::FORBIDDEN, "right-missing");
    member.client.get("/api/campaigns").await.expect(StatusCode::OK);

    app.delete(&path).await.problem(StatusCode::CONFLICT, "role-in-use");
    app.patch_json(&format!("/api/users/{}", member.user), json!({ "role": "viewer" })).await.expect(StatusCode::OK);
    app.delete(&path).await.expect(StatusCode::NO_CONTENT);
    app.get(&path).await.problem(StatusCode::NOT_FOUND, "role-not-found");
    let recorded: Vec<String> = sqlx::query_scalar("select action from audit_events where action like 'roles.%' order by seq")
        .fetch_all(&mut app.database.owner().await)
        .await
        .unwrap();
    assert_eq!(recorded, ["roles.create", "roles.update", "roles.delete"]);
}

#[tokio::test]
async fn nobody_makes_a_role_with_rights_that_they_do_not_have() {
    let app = TestApp::start().await;
    create(&app, "Keeper", &["roles.manage", "contacts.read"]).await;
    let big = create(&app, "Big", &["contacts.read", "jobs.manage"]).await;
    let path = format!("{ROLES}/{}", big["id"].as_str().unwrap());
    let keeper = app.colleague("keeper").await.client;
    let draft = json!({ "name": "Bigger", "permissions": ["jobs.manage"] });
    keeper.post_json(ROLES, draft).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    keeper.patch_json(&path, json!({ "permissions": ["contacts.read"] })).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    keeper.delete(&path).await.problem(StatusCode::FORBIDDEN, "rights-exceeded");
    keeper.post_json(ROLES, json!({ "name": "Small", "permissions": ["contacts.read"] })).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn every_rule_of_a_role_is_told() {
    let app = TestApp::start().await;
    create(&app, "Front desk", &[]).await;
    for (field, value, code, at) in [
        ("name", json!(""), "empty", "name"),
        ("name", json!("x".repeat(61)), "too-long", "name"),
        ("name", json!("前台"), "no-key", "name"),
        ("permissions", json!(["contacts.read", "nothing"]), "unknown", "permissions[1]"),
        // Of the installation's staff, and of nobody else.
        ("permissions", json!(["clients.manage"]), "unknown", "permissions[0]"),
    ] {
        let mut body = json!({ "name": "Reception", "permissions": [] });
        body[field] = value;
        app.post_json(ROLES, body).await.field_problem(at, code);
    }
    for name in ["front DESK", "Viewer", "Custom"] {
        let body = json!({ "name": name, "permissions": [] });
        app.post_json(ROLES, body).await.problem(StatusCode::CONFLICT, "role-name-taken");
    }
}

#[tokio::test]
async fn every_member_can_read_what_the_rights_mean() {
    let app = TestApp::start().await;
    let list: Value = app.colleague("investor").await.client.get("/api/permissions").await.expect(StatusCode::OK).json();
    let rights = list["data"].as_array().unwrap();
    let contacts = rights.iter().find(|right| right["key"] == "contacts.read").unwrap();
    assert_eq!(contacts["description"], "See contacts.");
    assert_eq!(contacts["roles"], json!(["admin", "marketing", "agent", "viewer", "acquisitions", "caller"]));
    assert!(rights.iter().all(|right| right["key"] != "clients.manage"));
}
