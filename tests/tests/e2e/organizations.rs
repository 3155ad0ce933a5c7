//! The profile of an organization.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::TestApp;

const CURRENT: &str = "/api/organizations/current";

#[tokio::test]
async fn organizations_of_the_same_name_have_slugs_of_their_own() {
    let app = TestApp::start().await;
    let slug = |organization: Value| organization["slug"].as_str().unwrap().to_owned();
    let first = slug(app.get(CURRENT).await.expect(StatusCode::OK).json());
    let second = slug(app.stranger().await.client.get(CURRENT).await.expect(StatusCode::OK).json());
    assert_eq!(first, "analytical-engines");
    assert!(second.starts_with("analytical-engines-"), "{second}");
}

#[tokio::test]
async fn an_admin_renames_the_organization_and_no_other() {
    let app = TestApp::start().await;
    let stranger = app.stranger().await;
    let changed: Value = app.put_json(CURRENT, json!({ "name": " Difference Engines " })).await.expect(StatusCode::OK).json();
    assert_eq!(changed["name"], "Difference Engines");
    assert_eq!(changed["slug"], "analytical-engines");
    assert_eq!(app.get(CURRENT).await.json::<Value>()["name"], "Difference Engines");
    assert_eq!(stranger.client.get(CURRENT).await.json::<Value>()["name"], "Analytical Engines");
    app.patch_json(CURRENT, json!({ "name": "" })).await.field_problem("name", "length");
}

#[tokio::test]
async fn a_new_organization_counts_in_dollars_and_lives_in_utc() {
    let app = TestApp::start().await;
    let organization: Value = app.get(CURRENT).await.expect(StatusCode::OK).json();
    assert_eq!((&organization["currency"], &organization["timezone"]), (&json!("USD"), &json!("UTC")));
    assert_eq!(
        (&organization["description"], &organization["country"], &organization["whatsappNumber"]),
        (&json!(""), &json!(null), &json!(null))
    );
}

#[tokio::test]
async fn a_profile_is_changed_in_parts_and_emptied_by_null() {
    let app = TestApp::start().await;
    let profile = json!({
        "description": " Engines of all kinds.\nSince 1834. ", "address": "1 Dorset Street", "city": "London", "state": "England",
        "zipCode": "W1U 4EG", "country": "gb", "currency": "gbp", "timezone": "Europe/London", "whatsappNumber": "+44 20 7946 0958",
        "businessCategory": "Computing",
    });
    let before: Value = app.get(CURRENT).await.json();
    let changed: Value = app.put_json(CURRENT, profile).await.expect(StatusCode::OK).json();
    assert_eq!(changed["name"], before["name"], "what is left out stays");
    assert_eq!(changed["description"], "Engines of all kinds.\nSince 1834.");
    assert_eq!((&changed["country"], &changed["currency"]), (&json!("GB"), &json!("GBP")));
    assert_eq!(changed["whatsappNumber"], "+442079460958");
    assert_ne!(changed["updatedAt"], before["updatedAt"]);
    assert_eq!(app.get(CURRENT).await.json::<Value>(), changed);

    let emptied: Value =
        app.patch_json(CURRENT, json!({ "whatsappNumber": null, "country": null, "city": null })).await.expect(StatusCode::OK).json();
    assert_eq!((&emptied["whatsappNumber"], &emptied["country"], &emptied["city"]), (&json!(null), &json!(null), &json!("")));
    assert_eq!((&emptied["zipCode"], &emptied["timezone"]), (&json!("W1U 4EG"), &json!("Europe/London")));
    for field in ["currency", "timezone"] {
        app.patch_json(CURRENT, json!({ field: null })).await.field_problem(field, "required");
    }
    app.patch_json(CURRENT, json!({ "name": null })).await.field_problem("name", "length");

    let unchanged: Value = app.patch_json(CURRENT, json!({})).await.expect(StatusCode::OK).json();
    assert_eq!(unchanged, emptied);
}

#[tokio::test]
async fn every_broken_field_of_a_profile_is_named_in_one_answer() {
    let app = TestApp::start().await;
    let before: Value = app.get(CURRENT).await.json();
    let broken = json!({
        "name": " ", "description": "x".repeat(2_001), "city": "a\u{7}b", "country": "ZZ", "currency": "EURO", "timezone": "Moon/Base",
        "whatsappNumber": "12345", "zipCode": "x".repeat(21), "address": "fine",
    });
    let document = app.put_json(CURRENT, broken).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    let mut fields: Vec<_> = document["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["city", "country", "currency", "description", "name", "timezone", "whatsappNumber", "zipCode"]);
    assert_eq!(app.get(CURRENT).await.json::<Value>(), before, "nothing of it was taken");

    app.put_json(CURRENT, json!({ "city": "Lon\u{0}don" })).await.field_problem("city", "unstorable-text");
    for read_only in ["id", "slug", "logo", "createdAt", "isActive", "deactivatedAt", "organizationId"] {
        app.put_json(CURRENT, json!({ read_only: null })).await.field_problem(read_only, "unknown-field");
    }
    app.put_json(CURRENT, json!({ "city": 7 })).await.field_problem("city", "wrong-type");
}

#[tokio::test]
async fn a_changed_profile_stands_in_the_audit_log_without_its_values() {
    let app = TestApp::start().await;
    let _ = app.put_json(CURRENT, json!({ "city": "London", "whatsappNumber": "+442079460958" })).await.expect(StatusCode::OK);
    let (actor, details): (String, String) =
        sqlx::query_as("select actor_id, details from audit_events where organization_id = $1 and action = 'organizations.update'")
            .bind(app.admin.organization.uuid())
            .fetch_one(&mut app.database.owner().await)
            .await
            .unwrap();
    assert_eq!(actor, app.admin.user.to_string());
    assert_eq!(serde_json::from_str::<Value>(&details).unwrap(), json!({ "fields": ["city", "whatsappNumber"] }));
}

#[tokio::test]
async fn a_viewer_may_look_but_not_rename() {
    let app = TestApp::start().await;
    let viewer = app.colleague("viewer").await;
    let _ = viewer.client.get(CURRENT).await.expect(StatusCode::OK);
    viewer.client.put_json(CURRENT, json!({ "name": "Mine" })).await.problem(StatusCode::FORBIDDEN, "right-missing");
}
