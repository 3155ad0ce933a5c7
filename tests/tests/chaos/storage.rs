//! Files in a bucket of a real S3 server, which goes away and comes back.

use std::{path::Path, path::PathBuf, time::Duration};

use crm::files::testing;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{app::TestApp, processes::S3};

const LOGO: &str = "/api/organizations/current/logo";
const PATIENCE: Duration = Duration::from_mins(1);

async fn storage(app: &TestApp) -> Value {
    app.anybody().get("/api/health").await.expect(StatusCode::OK).json::<Value>()["storage"].clone()
}

/// Waits until the API says that its store is as it should be.
async fn until(app: &TestApp, state: &str) {
    let told = async {
        while storage(app).await != state {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("the store is not {state}"));
}

/// The pictures in the bucket. (The server keeps what it knows of an object in files whose names begin with a dot.)
fn pictures(s3: &S3) -> Vec<PathBuf> {
    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }
    files(&s3.bucket().join("images"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_made_used_lost_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut s3 = S3::start(folder.path()).await.unwrap();
    let settings = s3.settings();
    s3.kill().await.unwrap();
    // The API starts while nobody is there, and makes the bucket once somebody is.
    let app = TestApp::start_with(|config| config.storage.s3 = settings).await;
    assert_eq!(storage(&app).await, "unavailable");
    app.admin.client.post_file(LOGO, "image/png", testing::png(4, 4)).await.problem(StatusCode::SERVICE_UNAVAILABLE, "storage-unavailable");
    s3.start_again().await.unwrap();
    until(&app, "up").await;

    let first: Value = app.admin.client.post_file(LOGO, "image/jpeg", testing::jpeg(900, 600)).await.expect(StatusCode::OK).json();
    let shown = app.get(LOGO).await.expect(StatusCode::OK);
    assert_eq!((shown.header("content-type"), shown.body.len() as u64), (Some("image/webp"), first["size"].as_u64().unwrap()));
    let file = shown.header("etag").unwrap().trim_matches('"').to_owned();

    // A link leads to the store itself, which tells what the file is.
    let link: Value = app.get(&format!("/api/files/{file}/link")).await.expect(StatusCode::OK).json();
    let address = link["url"].as_str().unwrap();
    assert!(address.starts_with(&s3.url()) && address.contains("X-Amz-Expires=900"), "{address}");
    let read = reqwest::get(address).await.unwrap();
    assert_eq!(read.headers()["content-type"], "image/webp");
    assert_eq!(read.headers()["x-amz-meta-organization"], app.admin.organization.to_string());
    assert_eq!(read.bytes().await.unwrap(), shown.body);
    let bare = address.split('?').next().unwrap();
    assert_eq!(reqwest::get(bare).await.unwrap().status(), StatusCode::FORBIDDEN);

    // The file of an import takes several parts.
    let csv = format!("phoneNumber,note\n+4915112345678,{}\n", "x".repeat(12_000_000));
    let _ = app.admin.client.post_file("/api/contacts/import", "text/csv", csv.into_bytes()).await.expect(StatusCode::ACCEPTED);

    s3.kill().await.unwrap();
    assert_eq!(storage(&app).await, "unavailable");
    let _ = app.anybody().get("/readyz").await.expect(StatusCode::OK);
    let answer = app.admin.client.post_file(LOGO, "image/png", testing::png(4, 4)).await;
    assert!(answer.header("retry-after").is_some());
    answer.problem(StatusCode::SERVICE_UNAVAILABLE, "storage-unavailable");
    app.get(LOGO).await.problem(StatusCode::SERVICE_UNAVAILABLE, "storage-unavailable");
    let _ = app.post_json("/api/contacts", json!({ "phoneNumber": "+4915112345678" })).await.expect(StatusCode::CREATED);
    // Taking the logo away needs no store: its object goes later.
    let _ = app.delete(LOGO).await.expect(StatusCode::NO_CONTENT);

    s3.start_again().await.unwrap();
    until(&app, "up").await;
    assert_eq!(pictures(&s3).len(), 1, "the sweep's to delete");
    let _ = app.admin.client.post_file(LOGO, "image/png", testing::png(4, 4)).await.expect(StatusCode::OK);
    assert_eq!(pictures(&s3).len(), 2);
}
