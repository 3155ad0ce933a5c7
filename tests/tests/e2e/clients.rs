//! The organizations of an installation, for its staff.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use api::staff::{Staffing, staff};
use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    app::{Client, Member, PASSWORD, TestApp},
    world::World,
};

const CLIENTS: &str = "/api/clients";

/// Somebody of another organization who was made one of the staff by the command.
pub(crate) async fn super_admin(app: &TestApp) -> Member {
    let member = app.stranger().await;
    let said = staff(&app.state.config, &*app.state.clock, &member.email.to_uppercase(), Staffing::Grant).await.unwrap();
    assert_eq!(said, "the account is a super-admin now");
    member
}

async fn switch(staff: &Member, client: &str, active: bool) -> Value {
    staff.client.patch_json(&format!("{CLIENTS}/{client}"), json!({ "isActive": active })).await.expect(StatusCode::OK).json()
}

#[tokio::test]
async fn nobody_but_staff_sees_clients() {
    let app = TestApp::start().await;
    let own = format!("{CLIENTS}/{}", app.admin.organization);
    let refused = |client: Client| {
        let own = own.clone();
        async move {
            client.get(CLIENTS).await.problem(StatusCode::FORBIDDEN, "right-missing");
            client.get(&own).await.problem(StatusCode::FORBIDDEN, "right-missing");
            client.post_json(CLIENTS, json!({ "companyName": "X" })).await.problem(StatusCode::FORBIDDEN, "right-missing");
            client.patch_json(&own, json!({ "isActive": false })).await.problem(StatusCode::FORBIDDEN, "right-missing");
        }
    };
    refused(app.admin.client.clone()).await;
    app.anybody().get(CLIENTS).await.problem(StatusCode::UNAUTHORIZED, "sign-in-required");

    let member = super_admin(&app).await;
    let _ = member.client.get(CLIENTS).await.expect(StatusCode::OK);
    let config = &app.state.config;
    let said = staff(config, &*app.state.clock, &member.email, Staffing::Grant).await.unwrap();
    assert_eq!(said, "the account was a super-admin already");
    let said = staff(config, &*app.state.clock, &member.email, Staffing::Revoke).await.unwrap();
    assert_eq!(said, "the account is no super-admin any more");
    app.clock.advance(TimeDelta::seconds(5));
    refused(member.client.clone()).await;
    staff(config, &*app.state.clock, "nobody@example.com", Staffing::Grant).await.unwrap_err();

    let actions: Vec<String> =
        sqlx::query_scalar("select action from audit_events where organization_id = $1 and actor_kind = 'system' order by seq")
            .bind(member.organization.uuid())
            .fetch_all(&mut app.database.owner().await)
            .await
            .unwrap();
    assert_eq!(actions, ["users.grantSuperAdmin", "users.revokeSuperAdmin"]);
}

#[tokio::test]
async fn staff_makes_lists_and_changes_clients() {
    let app = TestApp::start().await;
    let staff = super_admin(&app).await.client;
    let input =
        json!({ "companyName": " Acme ", "whatsappNumber": "+4915123456789", "businessCategory": "Retail", "timezone": "Europe/Berlin" });
    let made: Value = staff.post_json(CLIENTS, input.clone()).await.expect(StatusCode::CREATED).json();
    for (field, value) in
        [("companyName", "Acme"), ("whatsappNumber", "+4915123456789"), ("businessCategory", "Retail"), ("timezone", "Europe/Berlin")]
    {
        assert_eq!(made[field], value, "{made}");
    }
    assert_eq!((&made["isActive"], &made["deactivatedAt"], &made["memberCount"]), (&json!(true), &json!(null), &json!(0)));
    let again: Value = staff.post_json(CLIENTS, input).await.expect(StatusCode::CREATED).json();
    assert_eq!(made["slug"], "acme");
    assert!(again["slug"].as_str().unwrap().starts_with("acme-"), "{again}");

    let path = format!("{CLIENTS}/{}", made["id"].as_str().unwrap());
    assert_eq!(staff.get(&path).await.expect(StatusCode::OK).json::<Value>(), made);
    let changed: Value =
        staff.patch_json(&path, json!({ "companyName": "Acme Ltd", "whatsappNumber": null })).await.expect(StatusCode::OK).json();
    assert_eq!((&changed["companyName"], &changed["whatsappNumber"], &changed["slug"]), (&json!("Acme Ltd"), &json!(null), &json!("acme")));

    let found: Value = staff.get(&format!("{CLIENTS}?q=acme%20LTD")).await.expect(StatusCode::OK).json();
    assert_eq!(found["data"], json!([changed]));
    let page: Value = staff.get(&format!("{CLIENTS}?limit=3")).await.expect(StatusCode::OK).json();
    let rest: Value = staff.get(&format!("{CLIENTS}?cursor={}", page["nextCursor"].as_str().unwrap())).await.expect(StatusCode::OK).json();
    let names: Vec<_> = [&page, &rest]
        .into_iter()
        .flat_map(|page| page["data"].as_array().unwrap())
        .map(|client| client["companyName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Acme", "Acme Ltd", "Analytical Engines", "Analytical Engines"], "the newest first");
    assert_eq!(rest["data"][0]["memberCount"], 1);

    let broken = json!({ "companyName": "", "whatsappNumber": "1", "timezone": "x", "businessCategory": "x".repeat(101) });
    let document = staff.post_json(CLIENTS, broken).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    assert_eq!(document["errors"].as_array().unwrap().len(), 4, "{document}");
    staff.post_json(CLIENTS, json!({})).await.field_problem("companyName", "missing");
    staff.patch_json(&path, json!({ "slug": "x" })).await.field_problem("slug", "unknown-field");
    let nobody = format!("{CLIENTS}/{}", uuid::Uuid::now_v7());
    staff.get(&nobody).await.problem(StatusCode::NOT_FOUND, "client-not-found");
    staff.patch_json(&nobody, json!({ "isActive": false })).await.problem(StatusCode::NOT_FOUND, "client-not-found");
}

#[tokio::test]
async fn a_client_that_is_made_twice_under_one_key_is_made_once() {
    let app = TestApp::start().await;
    let staff = super_admin(&app).await.client;
    let make = async || {
        let request = staff.request(Method::POST, CLIENTS).header("idempotency-key", "acme-1").json(&json!({ "companyName": "Acme" }));
        staff.send(request).await.expect(StatusCode::CREATED).json::<Value>()
    };
    assert_eq!(make().await, make().await);
    let found: Value = staff.get(&format!("{CLIENTS}?q=acme")).await.expect(StatusCode::OK).json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
}

#[tokio::test]
async fn the_admin_of_a_new_client_is_invited_and_joins() {
    let app = TestApp::start().await;
    let staff = super_admin(&app).await;
    let input = |email: &str| json!({ "companyName": "Acme", "adminEmail": email, "adminFirstName": "Grace", "adminLastName": "Hopper" });
    let made: Value = staff.client.post_json(CLIENTS, input("Grace@Example.com")).await.expect(StatusCode::CREATED).json();
    let path = format!("{CLIENTS}/{}", made["id"].as_str().unwrap());
    let (user, mail): (uuid::Uuid, String) = sqlx::query_as(
        "select m.user_id, mails.kind from memberships m join mails on mails.organization_id = m.organization_id and mails.user_id = m.user_id
         where m.organization_id = $1 and m.role = 'admin' and m.joined_at is null",
    )
    .bind(made["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap())
    .fetch_one(&mut app.database.owner().await)
    .await
    .unwrap();
    assert_eq!(mail, "invitation");
    let token = app.invitation(user.into()).await;
    let _ = app.anybody().accept_invitation(&token).await.expect(StatusCode::OK);
    let grace = app.anybody().login("grace@example.com").await;
    let organization: Value = grace.get("/api/organizations/current").await.expect(StatusCode::OK).json();
    assert_eq!((&organization["id"], &organization["name"]), (&made["id"], &json!("Acme")));
    assert_eq!(staff.client.get(&path).await.expect(StatusCode::OK).json::<Value>()["memberCount"], 1);
    let actions: Vec<String> =
        sqlx::query_scalar("select action from audit_events where organization_id = $1 and actor_id = $2 order by seq")
            .bind(made["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap())
            .bind(staff.user.to_string())
            .fetch_all(&mut app.database.owner().await)
            .await
            .unwrap();
    assert_eq!(actions, ["clients.create", "users.invite"]);

    let before: Value = staff.client.get(CLIENTS).await.json();
    let taken = staff.client.post_json(CLIENTS, input(&app.admin.email)).await.problem(StatusCode::CONFLICT, "email-taken");
    assert_eq!(taken["errors"][0]["field"], "adminEmail");
    let nameless = json!({ "companyName": "", "adminEmail": "x", "adminLastName": "x".repeat(101) });
    let document = staff.client.post_json(CLIENTS, nameless).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    let fields: Vec<_> = document["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["companyName", "adminEmail", "adminFirstName", "adminLastName"]);
    assert_eq!(staff.client.get(CLIENTS).await.json::<Value>(), before, "a refused one leaves no organization behind");
}

#[tokio::test]
async fn a_deactivated_client_is_out_within_five_seconds_and_may_come_back() {
    let app = TestApp::start().await;
    let staff = super_admin(&app).await;
    let id = app.admin.organization.to_string();
    let _ = app.get("/api/auth/me").await.expect(StatusCode::OK);
    let key = json!({ "name": "Sync", "permissions": ["contacts.read"] });
    let key: Value = app.post_json("/api/api-keys", key).await.expect(StatusCode::CREATED).json();
    let program = app.anybody().with_key(key["key"].as_str().unwrap());
    let _ = program.get("/api/contacts").await.expect(StatusCode::OK);
    let off = switch(&staff, &id, false).await;
    assert_eq!((&off["isActive"], off["deactivatedAt"].is_string()), (&json!(false), true));
    let listed: Value = staff.client.get(&format!("{CLIENTS}?isActive=false")).await.expect(StatusCode::OK).json();
    assert_eq!(listed["data"], json!([off]));
    app.clock.advance(TimeDelta::seconds(5));
    app.get("/api/auth/me").await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    program.get("/api/contacts").await.problem(StatusCode::UNAUTHORIZED, "api-key-invalid");
    let login = json!({ "email": app.admin.email, "password": PASSWORD });
    let answer = app.anybody().post_json("/api/auth/login", login.clone()).await;
    assert!(matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), "{}", answer.text());
    let _ = app.anybody().post_cookie("/api/auth/refresh", &app.admin.cookie).await.expect(StatusCode::UNAUTHORIZED);
    let own = format!("{CLIENTS}/{}", staff.organization);
    staff.client.patch_json(&own, json!({ "isActive": false })).await.problem(StatusCode::CONFLICT, "client-is-own");

    assert_eq!(switch(&staff, &id, true).await["isActive"], true);
    let client = app.anybody().login(&app.admin.email).await;
    let _ = client.get("/api/auth/me").await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(5));
    let _ = program.get("/api/contacts").await.expect(StatusCode::OK);
    let told: Vec<(String, String)> =
        sqlx::query_as("select action, actor_id from audit_events where organization_id = $1 and action like 'clients.%' order by seq")
            .bind(app.admin.organization.uuid())
            .fetch_all(&mut app.database.owner().await)
            .await
            .unwrap();
    let actor = staff.user.to_string();
    assert_eq!(told, [("clients.deactivate".to_owned(), actor.clone()), ("clients.reactivate".to_owned(), actor)]);
}

/// What the database says of a campaign: its state and reason, how many rows were ever taken to be sent, how many of those are on their
/// way, and whether a worker holds a lane. The client's own people cannot ask any more.
async fn standing(world: &World, campaign: &str) -> (String, Option<String>, i64, i64, bool) {
    sqlx::query_as(
        "select c.state, c.state_reason, count(*) filter (where m.state not in (0, 1)), count(*) filter (where m.state in (2, 3)),
                exists (select from lanes where owner is not null)
         from campaigns c join campaign_messages m on m.organization_id = c.organization_id and m.campaign_id = c.id
         where c.id = $1
         group by c.state, c.state_reason",
    )
    .bind(campaign.parse::<uuid::Uuid>().unwrap())
    .fetch_one(&mut world.app.database.owner().await)
    .await
    .unwrap()
}

async fn delivered(world: &World, campaign: &str) -> i64 {
    sqlx::query_scalar("select count(*) from campaign_messages where campaign_id = $1 and state in (8, 9)")
        .bind(campaign.parse::<uuid::Uuid>().unwrap())
        .fetch_one(&mut world.app.database.owner().await)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_campaign_of_a_deactivated_client_stops_and_nobody_is_lost() {
    const PEOPLE: u32 = 400;
    /// Rows of intents that were being written at the instant of the pause: three writers, a tenth of a second of the number's rate each.
    const BEING_WRITTEN: i64 = 3 * 5;
    let mut world = World::start().await;
    let staff = super_admin(&world.app).await;
    world.contacts(PEOPLE).await;
    let channel = world.channel(50).await;
    let template = world.template(&channel).await;
    let campaign = world.launch(&channel, &template).await;
    world.until(&campaign, "under way", |figures| figures["accepted"].as_i64() >= Some(30)).await;

    let id = world.app.admin.organization.to_string();
    switch(&staff, &id, false).await;
    let started = Instant::now();
    let mut taken_at_pause = None;
    let taken = loop {
        let (state, reason, taken, on_their_way, held) = standing(&world, &campaign).await;
        if state == "paused" {
            assert_eq!(reason.as_deref(), Some("organizationDeactivated"));
            let at_pause = *taken_at_pause.get_or_insert(taken);
            assert!(taken <= at_pause + BEING_WRITTEN, "rows were taken after the pause: {at_pause}, then {taken}");
            if on_their_way == 0 && !held {
                break taken;
            }
        }
        assert!(started.elapsed() < Duration::from_secs(15), "{state} {on_their_way} {held}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let sent = world.simulator.messages().len();
    assert_eq!(i64::try_from(sent).unwrap(), taken, "just what was in flight was sent to its end");
    assert!(sent < PEOPLE as usize, "it was stopped half way");
    // What became of those is still taken in.
    while delivered(&world, &campaign).await < taken {
        assert!(started.elapsed() < Duration::from_secs(30), "statuses of a deactivated client are not applied");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    switch(&staff, &id, true).await;
    world.app.admin.client = world.app.anybody().login(&world.app.admin.email).await;
    let path = format!("/api/campaigns/{campaign}");
    let waits: Value = world.app.get(&path).await.expect(StatusCode::OK).json();
    assert_eq!((&waits["state"], &waits["stateReason"]), (&json!("paused"), &json!("organizationDeactivated")), "{waits}");
    assert_eq!(world.simulator.messages().len(), sent);
    world.app.post(&format!("{path}/resume")).await.expect(StatusCode::OK);
    let figures = world.finished(&campaign).await;
    assert_eq!((&figures["state"], &figures["accepted"]), (&json!("completed"), &json!(PEOPLE)), "{figures}");
    let mut sends = BTreeMap::new();
    for message in world.simulator.messages() {
        *sends.entry(message.to.clone()).or_insert(0) += 1;
    }
    assert_eq!(sends.len(), PEOPLE as usize);
    assert!(sends.values().all(|n| *n == 1), "somebody got it twice");
}
