//! The logo of an organization: given, shown, replaced, taken away; and uploads that are none.

use std::path::PathBuf;

use chrono::TimeDelta;
use crm::files::testing;
use reqwest::{
    Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::Value;
use tests::app::{Answer, Client, TestApp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const LOGO: &str = "/api/organizations/current/logo";

async fn upload(client: &Client, declared: &str, bytes: Vec<u8>) -> Answer {
    client.post_file(LOGO, declared, bytes).await
}

/// The path of an address that the API gave out, to be asked for without a token.
fn path(address: &Value) -> String {
    let address = url::Url::parse(address.as_str().expect("an address")).expect("an address");
    format!("{}?{}", address.path(), address.query().unwrap_or_default())
}

/// The objects in the store.
fn objects(app: &TestApp) -> Vec<PathBuf> {
    fn files(folder: &std::path::Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }
    files(&app.state.config.storage.dir)
}

async fn rows(app: &TestApp) -> Vec<(String, String)> {
    let mut owner = app.database.owner().await;
    sqlx::query_as("select state, original_name from files order by created_at").fetch_all(&mut owner).await.unwrap()
}

async fn acts(app: &TestApp) -> Vec<String> {
    let mut owner = app.database.owner().await;
    let query = "select action from audit_events where organization_id = $1 and action like 'organizations.%Logo' order by seq";
    sqlx::query_scalar(query).bind(app.admin.organization.uuid()).fetch_all(&mut owner).await.unwrap()
}

#[tokio::test]
async fn a_logo_is_given_shown_replaced_and_taken_away() {
    let app = TestApp::start().await;
    app.get(LOGO).await.problem(StatusCode::NOT_FOUND, "logo-not-found");
    let first: Value = upload(&app.admin.client, "image/jpeg", testing::turned_jpeg(900, 600)).await.expect(StatusCode::OK).json();
    assert_eq!(first["contentType"], "image/webp");
    let organization: Value = app.get("/api/organizations/current").await.expect(StatusCode::OK).json();
    assert_eq!(organization["logo"], first);

    let shown = app.get(LOGO).await.expect(StatusCode::OK);
    assert_eq!((&shown.body[8..12], shown.body.len() as u64), (&b"WEBP"[..], first["size"].as_u64().unwrap()));
    for (name, value) in [
        ("content-type", "image/webp"),
        ("content-disposition", "inline; filename=\"logo.webp\""),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(shown.header(name), Some(value));
    }
    let tag = shown.header("etag").expect("a tag").to_owned();
    let again = app.admin.client.request(Method::GET, LOGO).header("if-none-match", format!("\"x\", W/{tag}"));
    let again = app.admin.client.send(again).await.expect(StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty() && again.header("etag") == Some(&tag));

    let link = path(&first["url"]);
    let linked = app.anybody().get(&link).await.expect(StatusCode::OK);
    assert_eq!((&linked.body, linked.header("content-type")), (&shown.body, Some("image/webp")));
    assert_eq!(linked.header("cache-control"), Some("private, max-age=31536000, immutable"));
    assert_eq!(linked.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(linked.header("content-security-policy"), Some("default-src 'none'; sandbox"));

    let second: Value = upload(&app.admin.client, "image/png", testing::png(40, 30)).await.expect(StatusCode::OK).json();
    assert_ne!(second["url"], first["url"]);
    app.anybody().get(&link).await.problem(StatusCode::NOT_FOUND, "file-not-found");
    assert_eq!(objects(&app).len(), 1, "the object of the first one is gone");
    assert_eq!(rows(&app).await, [("live".to_owned(), "upload".to_owned())]);

    let _ = app.delete(LOGO).await.expect(StatusCode::NO_CONTENT);
    app.get(LOGO).await.problem(StatusCode::NOT_FOUND, "logo-not-found");
    app.delete(LOGO).await.problem(StatusCode::NOT_FOUND, "logo-not-found");
    assert_eq!((objects(&app).len(), rows(&app).await.len()), (0, 0));
    assert_eq!(app.get("/api/organizations/current").await.json::<Value>()["logo"], Value::Null);
    assert_eq!(acts(&app).await, ["organizations.setLogo", "organizations.setLogo", "organizations.deleteLogo"]);
}

#[tokio::test]
async fn the_other_names_of_the_route_do_the_same() {
    let app = TestApp::start().await;
    for alias in ["/api/organizations/logo", "/api/organizations/upload-logo"] {
        let logo: Value = app.admin.client.post_file(alias, "image/webp", testing::webp(10, 10)).await.expect(StatusCode::OK).json();
        assert_eq!(app.get("/api/organizations/current").await.json::<Value>()["logo"], logo, "{alias}");
        let _ = app.delete("/api/organizations/logo").await.expect(StatusCode::NO_CONTENT);
    }
    app.get(LOGO).await.problem(StatusCode::NOT_FOUND, "logo-not-found");
}

#[tokio::test]
async fn a_logo_is_shown_to_members_changed_by_those_who_may_and_linked_to_nobody_else() {
    let app = TestApp::start().await;
    let logo: Value = upload(&app.admin.client, "image/png", testing::png(4, 4)).await.expect(StatusCode::OK).json();
    let viewer = app.colleague("viewer").await;
    let _ = viewer.client.get(LOGO).await.expect(StatusCode::OK);
    upload(&viewer.client, "image/png", testing::png(4, 4)).await.problem(StatusCode::FORBIDDEN, "right-missing");
    viewer.client.delete(LOGO).await.problem(StatusCode::FORBIDDEN, "right-missing");
    app.anybody().get(LOGO).await.problem(StatusCode::UNAUTHORIZED, "sign-in-required");
    let stranger = app.stranger().await;
    stranger.client.get(LOGO).await.problem(StatusCode::NOT_FOUND, "logo-not-found");

    let link = path(&logo["url"]);
    let theirs: Value = upload(&stranger.client, "image/png", testing::png(4, 4)).await.expect(StatusCode::OK).json();
    let part = |link: &str, name: &str| {
        let (_, rest) = link.split_once(name).unwrap();
        rest.split(['&', '/']).next().unwrap().to_owned()
    };
    let theirs = path(&theirs["url"]);
    for (name, other) in [
        ("/api/files/", part(&theirs, "/api/files/")),
        ("organization=", part(&theirs, "organization=")),
        ("expires=", "99999999999".into()),
        ("signature=", part(&theirs, "signature=")),
    ] {
        let changed = link.replace(&part(&link, name), &other);
        assert_ne!(changed, link);
        app.anybody().get(&changed).await.problem(StatusCode::FORBIDDEN, "file-link-invalid");
    }
    let bare = link.split('?').next().unwrap();
    assert_eq!(app.anybody().get(bare).await.status, StatusCode::BAD_REQUEST);
    let _ = app.anybody().get(&link).await.expect(StatusCode::OK);
    app.clock.advance(TimeDelta::minutes(15));
    app.anybody().get(&link).await.problem(StatusCode::FORBIDDEN, "file-link-invalid");
}

#[tokio::test]
async fn what_is_no_logo_is_refused_by_name_and_leaves_nothing() {
    let app = TestApp::start_with(|config| config.limits.uploads_per_hour = 1_000).await;
    for sample in testing::refused() {
        let answer = upload(&app.admin.client, sample.declared, sample.bytes).await;
        assert!(answer.status.is_client_error(), "{}: {}", sample.name, answer.status);
        let status = answer.status;
        answer.problem(status, sample.refusal.expect(sample.name));
    }
    assert_eq!((objects(&app).len(), rows(&app).await.len(), acts(&app).await.len()), (0, 0, 0));
}

#[tokio::test]
async fn a_form_has_one_part_which_is_the_file() {
    let app = TestApp::start().await;
    let client = &app.admin.client;
    let send = async |form: Form| client.send(client.request(Method::POST, LOGO).multipart(form)).await;
    let part = || Part::bytes(testing::png(4, 4));
    send(Form::new().part("logo", part())).await.field_problem("file", "missing");
    send(Form::new()).await.problem(StatusCode::BAD_REQUEST, "malformed-form");
    send(Form::new().part("file", part()).part("file", part())).await.field_problem("file", "missing");
    client.post_json(LOGO, serde_json::json!({})).await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type-unsupported");
    let cut = client.request(Method::POST, LOGO).header("content-type", "multipart/form-data; boundary=x").body("--x\r\n");
    client.send(cut).await.problem(StatusCode::BAD_REQUEST, "malformed-form");
    // A part may leave its type to the bytes, and its name out.
    let _ = send(Form::new().part("file", part())).await.expect(StatusCode::OK);
    assert_eq!(rows(&app).await, [("live".to_owned(), String::new())]);
}

/// Sends a head and then pieces of a body until there is an answer or no more to send; returns the answer's first line.
async fn raw(app: &TestApp, length: &str, pieces: impl Iterator<Item = Vec<u8>> + Send + 'static) -> String {
    let address = app.anybody().base().trim_start_matches("http://").to_owned();
    let (mut reading, mut writing) = TcpStream::connect(&address).await.unwrap().into_split();
    let token = app.admin.client.token();
    let head = format!(
        "POST {LOGO} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: multipart/form-data; boundary=x\r\n{length}\r\n\r\n"
    );
    writing.write_all(head.as_bytes()).await.unwrap();
    let writer = tokio::spawn(async move {
        for piece in pieces {
            // An answer may come before everything was sent; then nobody reads on.
            if writing.write_all(&piece).await.is_err() {
                break;
            }
        }
        writing
    });
    let mut answer = [0; 12];
    reading.read_exact(&mut answer).await.unwrap();
    writer.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

fn part_head() -> Vec<u8> {
    b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"x.png\"\r\ncontent-type: image/png\r\n\r\n\x89PNG\r\n\x1a\n".to_vec()
}

#[tokio::test]
async fn what_counts_is_what_comes_not_what_was_announced() {
    let app = TestApp::start_with(|config| config.api.body_timeout_ms = 500).await;
    let zeros = || vec![0; 64 * 1024];
    let chunk = |bytes: Vec<u8>| [format!("{:x}\r\n", bytes.len()).into_bytes(), bytes, b"\r\n".to_vec()].concat();
    // A body without end.
    let endless = std::iter::once(part_head()).chain(std::iter::repeat_with(zeros)).map(chunk);
    assert_eq!(raw(&app, "transfer-encoding: chunked", endless).await, "HTTP/1.1 413");
    // Less is announced than comes: the rest is not part of the request.
    let more = std::iter::once(part_head()).chain(std::iter::repeat_with(zeros).take(80));
    assert_eq!(raw(&app, "content-length: 150", more).await, "HTTP/1.1 400");
    // Much is announced and comes.
    let large = std::iter::once(part_head()).chain(std::iter::repeat_with(zeros).take(1_000));
    assert_eq!(raw(&app, "content-length: 60000000", large).await, "HTTP/1.1 413");
    // More is announced than comes: nobody waits for it.
    assert_eq!(raw(&app, "content-length: 1000000", std::iter::once(part_head())).await, "HTTP/1.1 408");
    let _ = app.anybody().get("/livez").await.expect(StatusCode::OK);
}
