//! Other names of routes: each answers like its main route, asks for the same right, and keeps to the same organization.

use reqwest::{Method, StatusCode, multipart};
use serde_json::{Value, json};
use tests::app::{Answer, Client, PASSWORD, TestApp, registration};

/// A route under another name: method, other name, method, main name.
const ALIASES: [(&str, &str, &str, &str); 9] = [
    ("post", "/api/auth/signup", "post", "/api/auth/register"),
    ("post", "/api/register", "post", "/api/auth/register"),
    ("post", "/api/auth/callback/credentials", "post", "/api/auth/login"),
    ("get", "/api/auth/session", "get", "/api/auth/me"),
    ("post", "/api/organizations/logo", "post", "/api/organizations/current/logo"),
    ("post", "/api/organizations/upload-logo", "post", "/api/organizations/current/logo"),
    ("delete", "/api/organizations/logo", "delete", "/api/organizations/current/logo"),
    ("get", "/api/whatsapp/templates", "get", "/api/templates"),
    ("post", "/api/whatsapp/templates", "post", "/api/templates"),
];

/// The smallest picture there is: one pixel.
const PICTURE: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77,
    0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0xc9, 0xfe, 0x92, 0xef, 0, 0, 0,
    0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

async fn upload(client: &Client, path: &str) -> Answer {
    let form = multipart::Form::new().part("file", multipart::Part::bytes(PICTURE).file_name("logo.png").mime_str("image/png").unwrap());
    client.send(client.request(Method::POST, path).multipart(form)).await
}

/// What two answers have in common when they mean the same: the status, the kind of problem, and the fields of the body.
fn meaning(answer: &Answer) -> (StatusCode, Value, Vec<String>) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mut fields: Vec<_> = body.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default();
    fields.sort();
    (answer.status, body["type"].clone(), fields)
}

#[tokio::test]
async fn every_other_name_is_described_like_its_main_route() {
    let app = TestApp::start().await;
    let document: Value = app.anybody().get("/api/openapi.json").await.expect(StatusCode::OK).json();
    for (method, alias, main_method, main) in ALIASES {
        let of = |method: &str, path: &str| {
            let operation = &document["paths"][path][method];
            assert!(operation.is_object(), "{method} {path} is not described");
            let success = |status: &str| operation["responses"][status]["content"].clone();
            ["x-permission", "x-principal", "x-step-up", "security"]
                .map(|key| operation[key].clone())
                .into_iter()
                .chain(["200", "201", "204"].map(success))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(method, alias), of(main_method, main), "{method} {alias}");
    }
}

#[tokio::test]
async fn signing_up_has_three_names() {
    let app = TestApp::start().await;
    let usual = app.anybody().post_json("/api/auth/register", registration()).await.expect(StatusCode::CREATED);
    for path in ["/api/auth/signup", "/api/register"] {
        let email = format!("grace-{:016x}@example.com", rand::random::<u64>());
        let body = json!({ "fullName": "Grace Brewster Hopper", "email": email, "password": PASSWORD, "agreeToTerms": true });
        let answer = app.anybody().post_json(path, body.clone()).await.expect(StatusCode::CREATED);
        assert_eq!(meaning(&answer), meaning(&usual), "{path}");
        assert!(answer.cookie().starts_with("refreshToken="));
        let told: Value = answer.json();
        assert_eq!((&told["user"]["firstName"], &told["user"]["lastName"]), (&json!("Grace Brewster"), &json!("Hopper")));
        let client = app.anybody().with_token(told["accessToken"].as_str().unwrap());
        assert_eq!(client.get("/api/auth/me").await.expect(StatusCode::OK).json::<Value>()["role"], "admin");
        app.anybody().post_json(path, body).await.problem(StatusCode::CONFLICT, "email-taken");
        let disagrees = json!({ "fullName": "A B", "email": "x@example.com", "password": PASSWORD, "agreeToTerms": false });
        app.anybody().post_json(path, disagrees).await.field_problem("agreeToTerms", "required");
    }
}

#[tokio::test]
async fn signing_in_has_two_names() {
    let app = TestApp::start().await;
    let right = json!({ "email": app.admin.email, "password": PASSWORD });
    let wrong = json!({ "email": app.admin.email, "password": "something else" });
    let malformed = json!({ "email": app.admin.email });
    for body in [right, wrong, malformed] {
        let usual = app.anybody().post_json("/api/auth/login", body.clone()).await;
        let other = app.anybody().post_json("/api/auth/callback/credentials", body).await;
        assert_eq!(meaning(&other), meaning(&usual));
        assert_eq!(other.headers.get_all("set-cookie").iter().count(), usual.headers.get_all("set-cookie").iter().count());
    }
}

#[tokio::test]
async fn the_session_is_what_me_says() {
    let app = TestApp::start().await;
    for client in [app.anybody().clone(), app.admin.client.clone(), app.colleague("viewer").await.client] {
        let (usual, other) = (client.get("/api/auth/me").await, client.get("/api/auth/session").await);
        assert_eq!(meaning(&other), meaning(&usual));
        if usual.status == StatusCode::OK {
            assert_eq!(other.body, usual.body);
        }
    }
}

#[tokio::test]
async fn the_logo_has_three_names_to_put_it_and_two_to_take_it_away() {
    const CURRENT: &str = "/api/organizations/current";
    let app = TestApp::start().await;
    let (viewer, stranger) = (app.colleague("viewer").await, app.stranger().await);
    let usual = upload(&app.admin.client, "/api/organizations/current/logo").await;
    assert!(usual.status.is_success(), "{}", usual.text());
    for (put, take) in
        [("/api/organizations/logo", "/api/organizations/logo"), ("/api/organizations/upload-logo", "/api/organizations/current/logo")]
    {
        upload(app.anybody(), put).await.problem(StatusCode::UNAUTHORIZED, "sign-in-required");
        upload(&viewer.client, put).await.problem(StatusCode::FORBIDDEN, "right-missing");
        viewer.client.delete(take).await.problem(StatusCode::FORBIDDEN, "right-missing");
        let answer = upload(&app.admin.client, put).await;
        assert_eq!(meaning(&answer), meaning(&usual), "{put}");
        assert!(app.get(CURRENT).await.json::<Value>()["logo"].is_object());
        assert!(stranger.client.get(CURRENT).await.json::<Value>()["logo"].is_null());
        let gone = app.delete(take).await;
        assert!(gone.status.is_success(), "{}", gone.text());
        assert!(app.get(CURRENT).await.json::<Value>()["logo"].is_null());
    }
}

#[tokio::test]
async fn ones_own_whatsapp_number_is_changed_and_no_other() {
    const PATH: &str = "/api/users/update-phone";
    let app = TestApp::start().await;
    let colleague = app.colleague("viewer").await;
    app.anybody().post_json(PATH, json!({ "whatsappPhone": "+12025550111" })).await.problem(StatusCode::UNAUTHORIZED, "sign-in-required");
    let answer = app.post_json(PATH, json!({ "whatsappPhone": "+1 202 555 0111" })).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let own = json!({ "whatsappPhone": "+12025550112", "userId": app.admin.user });
    assert!(app.post_json(PATH, own).await.status.is_success());
    let me: Value = app.get("/api/auth/me").await.json();
    assert_eq!(me["user"]["whatsappPhone"], "+12025550112");

    let others = json!({ "whatsappPhone": "+12025550113", "userId": colleague.user });
    let refused = app.post_json(PATH, others).await;
    assert!(matches!(refused.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND), "{}", refused.text());
    let me: Value = colleague.client.get("/api/auth/me").await.json();
    assert!(me["user"]["whatsappPhone"].is_null(), "{me}");
    app.post_json(PATH, json!({ "whatsappPhone": "12" })).await.field_problem("whatsappPhone", "country-code-missing");
}

#[tokio::test]
async fn templates_have_two_names() {
    let app = TestApp::start().await;
    let agent = app.colleague("agent").await;
    for client in [app.anybody(), &app.admin.client, &agent.client, &app.colleague("caller").await.client] {
        let (usual, other) = (client.get("/api/templates").await, client.get("/api/whatsapp/templates").await);
        assert_eq!(meaning(&other), meaning(&usual));
        let (usual, other) =
            (client.post_json("/api/templates", json!({})).await, client.post_json("/api/whatsapp/templates", json!({})).await);
        assert_eq!(meaning(&other), meaning(&usual));
    }
}
