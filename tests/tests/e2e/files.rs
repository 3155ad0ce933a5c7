//! Files: their links, and a store that is away.

use crm::files::testing;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::{Answer, TestApp};

const LOGO: &str = "/api/organizations/current/logo";

async fn health(app: &TestApp) -> Value {
    app.anybody().get("/api/health").await.expect(StatusCode::OK).json()
}

/// Fails the test unless only files are affected.
async fn only_files_suffer(app: &TestApp) {
    let health = health(app).await;
    assert_eq!((&health["status"], &health["storage"]), (&json!("degraded"), &json!("unavailable")), "{health}");
    let _ = app.anybody().get("/readyz").await.expect(StatusCode::OK);
    let refused = |answer: Answer| {
        assert!(answer.header("retry-after").is_some(), "{}", answer.asked);
        answer.problem(StatusCode::SERVICE_UNAVAILABLE, "storage-unavailable");
    };
    refused(app.admin.client.post_file(LOGO, "image/png", testing::png(4, 4)).await);
    refused(app.admin.client.post_file("/api/contacts/import", "text/csv", b"phoneNumber\n".to_vec()).await);
    let _ = app.get("/api/contacts").await.expect(StatusCode::OK);
    let _ = app.post_json("/api/contacts", json!({ "phoneNumber": "+4915112345678" })).await.expect(StatusCode::CREATED);
    assert_eq!(app.get("/api/organizations/current").await.expect(StatusCode::OK).json::<Value>()["logo"], Value::Null);
}

#[tokio::test]
async fn without_its_folder_the_service_starts_and_says_so_and_works_once_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let storage = folder.path().join("storage");
    std::fs::write(&storage, "a file where the folder should be").unwrap();
    let app = TestApp::start_with(|config| config.storage.dir.clone_from(&storage)).await;
    only_files_suffer(&app).await;
    std::fs::remove_file(&storage).unwrap();
    assert_eq!(health(&app).await["storage"], "up");
    let _ = app.admin.client.post_file(LOGO, "image/png", testing::png(4, 4)).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn without_its_bucket_the_service_starts_and_says_so() {
    let app = TestApp::start_with(|config| {
        let s3 = &mut config.storage.s3;
        s3.bucket = "heliograph".into();
        s3.endpoint = Some("http://127.0.0.1:1".into());
        s3.access_key_id = "key".into();
        s3.secret_access_key = "secret".into();
        s3.allow_http = true;
    })
    .await;
    only_files_suffer(&app).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_becomes_no_logo() {
    let app = TestApp::start().await;
    let before: Value = app.admin.client.post_file(LOGO, "image/png", testing::png(4, 4)).await.expect(StatusCode::OK).json();
    // Where the folder of the organization's pictures was, nothing can be written.
    let images = app.state.config.storage.dir.join("images");
    std::fs::rename(&images, images.with_extension("away")).unwrap();
    std::fs::write(&images, "in the way").unwrap();
    let answer = app.admin.client.post_file(LOGO, "image/png", testing::png(8, 8)).await;
    answer.problem(StatusCode::SERVICE_UNAVAILABLE, "storage-unavailable");
    std::fs::remove_file(&images).unwrap();
    std::fs::rename(images.with_extension("away"), &images).unwrap();
    let logo = app.get("/api/organizations/current").await.json::<Value>()["logo"].clone();
    assert_eq!((&logo["size"], &logo["updatedAt"]), (&before["size"], &before["updatedAt"]), "the former one is still whole");
    let _ = app.get(LOGO).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_link_is_given_out_within_the_organization_only() {
    let app = TestApp::start().await;
    let _ = app.admin.client.post_file(LOGO, "image/png", testing::png(4, 4)).await.expect(StatusCode::OK);
    let shown = app.get(LOGO).await.expect(StatusCode::OK);
    let path = format!("/api/files/{}/link", shown.header("etag").unwrap().trim_matches('"'));
    let link: Value = app.get(&path).await.expect(StatusCode::OK).json();
    let url = url::Url::parse(link["url"].as_str().unwrap()).unwrap();
    let read = app.anybody().get(&format!("{}?{}", url.path(), url.query().unwrap())).await.expect(StatusCode::OK);
    assert_eq!(read.body, shown.body);
    let expires: chrono::DateTime<chrono::Utc> = link["expiresAt"].as_str().unwrap().parse().unwrap();
    let lasts = expires - kernel::Clock::now(&*app.clock);
    assert!(lasts <= chrono::TimeDelta::minutes(15) && lasts > chrono::TimeDelta::minutes(9), "{lasts}");
    app.stranger().await.client.get(&path).await.problem(StatusCode::NOT_FOUND, "file-not-found");
    app.anybody().get(&path).await.problem(StatusCode::UNAUTHORIZED, "sign-in-required");
    let nobodys = format!("/api/files/{}/link", kernel::FileId::at(kernel::Clock::now(&*app.clock)));
    app.get(&nobodys).await.problem(StatusCode::NOT_FOUND, "file-not-found");
}
