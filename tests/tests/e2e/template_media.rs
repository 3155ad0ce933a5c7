//! Samples of media headers: uploaded, named by templates, taken to the provider.

use std::time::Duration;

use reqwest::{
    Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use tests::{
    app::{Answer, TestApp},
    simulator::Faults,
    wait::{self, Look},
};

use crate::crm_app::{CrmApp, id};

const MEDIA: &str = "/api/templates/media";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";

/// A file of this length that begins like `head`.
fn long(head: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = head.to_vec();
    bytes.resize(length, b'.');
    bytes
}

async fn upload(app: &TestApp, declared: &str, bytes: Vec<u8>) -> Answer {
    app.admin.client.post_file(MEDIA, declared, bytes).await
}

fn template(channel: &Value, format: &str, handle: &Value) -> Value {
    json!({
        "channelId": channel["id"],
        "name": "with_a_sample",
        "language": "en_US",
        "category": "MARKETING",
        "components": [
            { "type": "HEADER", "format": format, "example": { "header_handle": [handle] } },
            { "type": "BODY", "text": "This is new in our shop." },
        ],
    })
}

/// Rows of files, and objects in the store.
async fn kept(app: &TestApp) -> (i64, usize) {
    fn files(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }
    let mut owner = app.database.owner().await;
    let rows = sqlx::query_scalar("select count(*) from files").fetch_one(&mut owner).await.unwrap();
    (rows, files(&app.state.config.storage.dir))
}

#[tokio::test]
async fn a_sample_gets_to_the_provider_though_its_transfer_breaks() {
    let crm = CrmApp::start().await;
    let faults = Faults { review_delay_ms: 0, ..Faults::default() };
    crm.simulator.set_faults(faults.merged(json!({ "template": { "uploadsCut": 2 } })).unwrap());
    let channel = crm.a_channel("100200300").await;
    let picture = long(PNG, 300_000);
    let sample: Value = upload(&crm.app, "image/png", picture.clone()).await.expect(StatusCode::CREATED).json();
    assert_eq!((&sample["contentType"], &sample["size"]), (&json!("image/png"), &json!(300_000)));
    assert_eq!(sample["handle"], format!("file:{}", id(&sample)));
    let created = crm.app.post_json("/api/templates", template(&channel, "IMAGE", &sample["handle"])).await;
    let created: Value = created.expect(StatusCode::CREATED).json();
    let path = format!("/api/templates/{}", id(&created));
    let _ = crm.app.post(&format!("{path}/submit")).await.expect(StatusCode::ACCEPTED);
    let look = async || {
        crm.drain().await;
        let template: Value = crm.app.get(&path).await.expect(StatusCode::OK).json();
        Ok(if template["status"] == "APPROVED" { Look::There(template) } else { Look::NotYet(template.to_string()) })
    };
    let approved = wait::until(Duration::from_secs(30), look).await.expect("an approval");
    assert_eq!(approved["components"][0]["example"]["header_handle"], json!([sample["handle"]]), "here it goes by its own name");
    let there = crm.simulator.templates();
    assert_eq!(there.len(), 1, "{there:?}");
    let handle = there[0].components[0]["example"]["header_handle"][0].as_str().unwrap().to_owned();
    assert!(handle.starts_with("4::"), "{handle}");
    assert_eq!(crm.simulator.faults().template.uploads_cut, 0, "two transfers broke");
    let mut owner = crm.app.database.owner().await;
    let live: Vec<String> = sqlx::query_scalar("select state from files").fetch_all(&mut owner).await.unwrap();
    assert_eq!(live, ["live"]);
}

#[tokio::test]
async fn a_sample_is_shown_to_whoever_has_the_link() {
    let app = TestApp::start().await;
    for (bytes, content_type, disposition) in [(PNG, "image/png", "inline"), (PDF, "application/pdf", "attachment")] {
        // What the sender says of it does not count.
        let sample: Value = upload(&app, "text/html", bytes.to_vec()).await.expect(StatusCode::CREATED).json();
        let address = url::Url::parse(sample["url"].as_str().unwrap()).unwrap();
        let shown = app.anybody().get(&format!("{}?{}", address.path(), address.query().unwrap())).await.expect(StatusCode::OK);
        assert_eq!((shown.body.as_slice(), shown.header("content-type")), (bytes, Some(content_type)));
        assert_eq!((shown.header("content-disposition"), shown.header("x-content-type-options")), (Some(disposition), Some("nosniff")));
        assert_eq!(shown.header("content-security-policy"), Some("default-src 'none'; sandbox"));
        let _ = app.get(&format!("/api/files/{}/link", id(&sample))).await.expect(StatusCode::OK);
        let stranger = app.stranger().await;
        stranger.client.get(&format!("/api/files/{}/link", id(&sample))).await.problem(StatusCode::NOT_FOUND, "file-not-found");
    }
    let mut owner = app.database.owner().await;
    let acts: Vec<String> =
        sqlx::query_scalar("select action from audit_events where action like 'templates.%'").fetch_all(&mut owner).await.unwrap();
    assert_eq!(acts, ["templates.uploadMedia", "templates.uploadMedia"]);
}

#[tokio::test]
async fn what_no_header_may_show_leaves_nothing_behind() {
    let app = TestApp::start().await;
    for (declared, bytes) in [
        ("image/png", b"<html><script>alert(1)</script></html>".to_vec()),
        ("image/png", b"GIF89a\x01\0\x01\0\x80\0\0".to_vec()),
        ("image/png", [b"<p>", PNG].concat()),
        ("application/pdf", [b"<p>", PDF].concat()),
        ("image/png", Vec::new()),
    ] {
        upload(&app, declared, bytes).await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "template-media-unsupported");
    }
    for (head, longest) in [(PNG, 5_000_000), (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", 16_000_000)] {
        upload(&app, "image/png", long(head, longest + 1)).await.problem(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
    }
    // Whoever sends far too much hears of it too.
    upload(&app, "image/png", long(PNG, 24_000_000)).await.problem(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
    let film = long(b"GIF89a\x01\0\x01\0", 24_000_000);
    upload(&app, "image/gif", film).await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "template-media-unsupported");
    let other = Form::new().part("picture", Part::bytes(PNG).file_name("sample.png"));
    let request = app.admin.client.request(Method::POST, MEDIA).multipart(other);
    app.admin.client.send(request).await.field_problem("file", "missing");
    app.post_json(MEDIA, json!({})).await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type-unsupported");
    assert_eq!(kept(&app).await, (0, 0));
    let _ = upload(&app, "image/png", long(PNG, 5_000_000)).await.expect(StatusCode::CREATED);
    assert_eq!(kept(&app).await, (1, 1));
}

#[tokio::test]
async fn a_template_names_samples_of_its_own_organization_and_kind_only() {
    let crm = CrmApp::start().await;
    let channel = crm.a_channel("100200300").await;
    let place = "components[0].example.header_handle[0]";
    let create = async |format: &str, handle: &Value| crm.app.post_json("/api/templates", template(&channel, format, handle)).await;
    let stranger = crm.app.stranger().await;
    let theirs: Value = stranger.client.post_file(MEDIA, "image/png", PNG.to_vec()).await.expect(StatusCode::CREATED).json();
    create("IMAGE", &theirs["handle"]).await.field_problem(place, "not-found");
    create("IMAGE", &json!("file:none")).await.field_problem(place, "not-found");
    let ours: Value = upload(&crm.app, "image/png", PNG.to_vec()).await.expect(StatusCode::CREATED).json();
    create("DOCUMENT", &ours["handle"]).await.field_problem(place, "media-type");
    let created: Value = create("IMAGE", &ours["handle"]).await.expect(StatusCode::CREATED).json();
    let path = format!("/api/templates/{}", id(&created));
    let change = json!({ "components": template(&channel, "IMAGE", &theirs["handle"])["components"] });
    crm.app.put_json(&path, change).await.field_problem(place, "not-found");
}
