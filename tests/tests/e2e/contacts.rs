//! Contacts and their import.

use reqwest::{
    Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use tests::app::{Answer, Client};

use crate::crm_app::{CrmApp, id};

async fn upload(client: &Client, query: &str, part: &'static str, file: impl Into<Vec<u8>>) -> Answer {
    let form = Form::new().part(part, Part::bytes(file.into()).file_name("people.csv"));
    client.send(client.request(Method::POST, &format!("/api/contacts/import{query}")).multipart(form)).await
}

async fn imported(crm: &CrmApp, query: &str, file: &str) -> Value {
    let started: Value = upload(&crm.app.admin.client, query, "file", file).await.expect(StatusCode::ACCEPTED).json();
    let path = format!("/api/contacts/imports/{}", started["importId"].as_str().unwrap());
    assert_eq!(crm.app.get(&path).await.expect(StatusCode::OK).json::<Value>()["state"], "queued");
    crm.drain().await;
    crm.app.get(&path).await.json()
}

fn counts(import: &Value) -> [u64; 5] {
    ["total", "created", "updated", "skipped", "rejected"].map(|name| import[name].as_u64().unwrap())
}

#[tokio::test]
async fn a_contact_lives_its_life() {
    let crm = CrmApp::start().await;
    let body = json!({
        "phoneNumber": "+49 1512 3456789", "name": "Ada", "email": "Ada@example.com", "tags": ["vip"], "attributes": { "city": "Bonn" },
        "optIn": "optedIn", "locale": "de", "timeZone": "Europe/Berlin",
    });
    let created: Value = crm.app.post_json("/api/contacts", body.clone()).await.expect(StatusCode::CREATED).json();
    assert_eq!((&created["phoneNumber"], &created["email"]), (&json!("+4915123456789"), &json!("ada@example.com")));
    crm.app.post_json("/api/contacts", body).await.problem(StatusCode::CONFLICT, "contact-phone-number-taken");
    let path = format!("/api/contacts/{}", id(&created));
    let changed: Value = crm.app.patch_json(&path, json!({ "email": null, "tags": ["a"] })).await.expect(StatusCode::OK).json();
    assert_eq!((&changed["email"], &changed["tags"], &changed["name"]), (&Value::Null, &json!(["a"]), &json!("Ada")));
    for (query, found) in [("?q=ad", 1), ("?q=5123", 1), ("?tag=a", 1), ("?tag=vip", 0), ("?optIn=optedIn", 1), ("?optIn=unknown", 0)] {
        let page: Value = crm.app.get(&format!("/api/contacts{query}")).await.expect(StatusCode::OK).json();
        assert_eq!(page["data"].as_array().unwrap().len(), found, "{query}");
    }
    crm.app.get("/api/contacts?optIn=perhaps").await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    crm.app.patch_json(&path, json!({ "phoneNumber": "123" })).await.field_problem("phoneNumber", "country-code-missing");
    crm.app.patch_json(&path, json!({ "shoeSize": 9 })).await.field_problem("shoeSize", "unknown-field");
    let stranger = crm.app.stranger().await;
    stranger.client.get(&path).await.problem(StatusCode::NOT_FOUND, "contact-not-found");
    stranger.client.patch_json(&path, json!({ "name": "x" })).await.problem(StatusCode::NOT_FOUND, "contact-not-found");
    let _ = crm.app.delete(&path).await.expect(StatusCode::NO_CONTENT);
    crm.app.delete(&path).await.problem(StatusCode::NOT_FOUND, "contact-not-found");
}

#[tokio::test]
async fn a_file_is_imported_and_imported_again() {
    let crm = CrmApp::start().await;
    let file = "phoneNumber,name,tags,city\n+4915110000001,Ada,vip;new,Bonn\n\n+4915110000002,Bob,,\n=cmd|' /C calc'!A0,x,,\n+4915110000001,Ada twice,,\n";
    let first = imported(&crm, "", file).await;
    assert_eq!((first["state"].as_str(), counts(&first)), (Some("completed"), [4, 2, 0, 1, 1]));
    let second = imported(&crm, "", file).await;
    assert_eq!(counts(&second), [4, 0, 0, 3, 1]);
    let rejected = crm.app.get(&format!("/api/contacts/imports/{}/rejected.csv", id(&first))).await.expect(StatusCode::OK);
    assert!(rejected.header("content-type").unwrap().starts_with("text/csv"));
    let text = rejected.text();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows[0], "line,field,code,message,raw");
    assert!(rows[1].starts_with("5,phoneNumber,country-code-missing,") && rows[1].contains("\"'=cmd|"), "{text}");
    assert_eq!(rows.len(), 2);
    let stranger = crm.app.stranger().await;
    for path in ["", "/rejected.csv"] {
        let path = format!("/api/contacts/imports/{}{path}", id(&first));
        stranger.client.get(&path).await.problem(StatusCode::NOT_FOUND, "import-not-found");
    }
}

#[tokio::test]
async fn twenty_megabytes_with_broken_rows_lose_nothing() {
    use std::fmt::Write;

    let crm = CrmApp::start().await;
    let note = "x".repeat(2_000);
    let mut file = String::from("phoneNumber,name,note\n");
    for index in 0..10_000 {
        match index % 10 {
            // No such number; a quote that is never closed; a cell too many; then seven good ones.
            0 => writeln!(file, "+49151,Person {index},{note}"),
            1 => writeln!(file, "+49151{index:08},\"Person {index},{note}"),
            2 => writeln!(file, "+49151{index:08},Person {index},{note},and more"),
            _ => writeln!(file, "+49151{index:08},Person {index},{note}"),
        }
        .unwrap();
    }
    assert!(file.len() > 20_000_000);
    let import = imported(&crm, "", &file).await;
    assert_eq!((import["state"].as_str(), counts(&import)), (Some("completed"), [10_000, 7_000, 0, 0, 3_000]), "{import}");
    let rejected = crm.app.get(&format!("/api/contacts/imports/{}/rejected.csv", id(&import))).await.expect(StatusCode::OK);
    assert_eq!(rejected.text().lines().count(), 3_001, "every broken row is told, with its line");
}

#[tokio::test]
async fn a_dry_run_with_renamed_columns_only_reports() {
    let crm = CrmApp::start().await;
    let import = imported(&crm, "?dryRun=true&mapping=Mobile:phoneNumber,Who:name", "Mobile,Who\n+4915110000001,Ada\n").await;
    assert_eq!((import["dryRun"].as_bool(), counts(&import)), (Some(true), [1, 1, 0, 0, 0]));
    assert_eq!(crm.app.get("/api/contacts").await.json::<Value>()["data"], json!([]));
    let failed = imported(&crm, "", "a,b\n1,2\n").await;
    assert_eq!(failed["state"], "failed");
    assert!(failed["reason"].as_str().unwrap().starts_with("no-phone-number-column"));
}

#[tokio::test]
async fn an_upload_that_is_none_is_refused() {
    let crm = CrmApp::start().await;
    let client = &crm.app.admin.client;
    upload(client, "", "attachment", "x").await.field_problem("file", "missing");
    upload(client, "?mapping=x", "file", "x").await.field_problem("mapping", "invalid");
    let _ = upload(client, "?dryRun=maybe", "file", "x").await.expect(StatusCode::BAD_REQUEST);
    client.post_json("/api/contacts/import", json!({})).await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type-unsupported");
    let cut =
        client.request(Method::POST, "/api/contacts/import").header("content-type", "multipart/form-data; boundary=x").body("--x\r\n");
    client.send(cut).await.problem(StatusCode::BAD_REQUEST, "malformed-form");
    let viewer = crm.app.colleague("agent").await;
    upload(&viewer.client, "", "file", "phoneNumber\n").await.problem(StatusCode::FORBIDDEN, "right-missing");
    let large = vec![b'x'; 100 * 1024 * 1024 + 1];
    upload(client, "", "file", large).await.problem(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
}
