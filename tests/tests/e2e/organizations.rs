//! The profile of an organization.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::TestApp;

#[tokio::test]
async fn organizations_of_the_same_name_have_slugs_of_their_own() {
    let app = TestApp::start().await;
    let slug = |organization: Value| organization["slug"].as_str().unwrap().to_owned();
    let first = slug(app.get("/api/organizations/current").await.expect(StatusCode::OK).json());
    let second = slug(app.stranger().await.client.get("/api/organizations/current").await.expect(StatusCode::OK).json());
    assert_eq!(first, "analytical-engines");
    assert!(second.starts_with("analytical-engines-"), "{second}");
}

#[tokio::test]
async fn an_admin_renames_the_organization_and_no_other() {
    let app = TestApp::start().await;
    let stranger = app.stranger().await;
    let path = "/api/organizations/current";
    let changed: Value = app.put_json(path, json!({ "name": " Difference Engines " })).await.expect(StatusCode::OK).json();
    assert_eq!(changed["name"], "Difference Engines");
    assert_eq!(changed["slug"], "analytical-engines");
    assert_eq!(app.get(path).await.json::<Value>()["name"], "Difference Engines");
    assert_eq!(stranger.client.get(path).await.json::<Value>()["name"], "Analytical Engines");
    app.patch_json(path, json!({ "name": "" })).await.field_problem("name", "length");
}

#[tokio::test]
async fn a_viewer_may_look_but_not_rename() {
    let app = TestApp::start().await;
    let viewer = app.colleague("viewer").await;
    let _ = viewer.client.get("/api/organizations/current").await.expect(StatusCode::OK);
    viewer.client.put_json("/api/organizations/current", json!({ "name": "Mine" })).await.problem(StatusCode::FORBIDDEN, "right-missing");
}
