//! Files that become samples of headers.

use super::*;

/// Opens a session for so many bytes; its id is returned.
async fn open(client: &Client, kind: &str, length: usize) -> String {
    let query = format!("file_name=sample&file_length={length}&file_type={kind}");
    let (status, session) = client.post(&format!("/v25.0/app/uploads?{query}"), &json!({})).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{session}");
    session["id"].as_str().unwrap().to_owned()
}

/// Sends bytes as Meta documents it.
async fn transfer(client: &Client, session: &str, offset: usize, bytes: usize) -> reqwest::Result<(StatusCode, Value)> {
    let request = client.http.post(format!("{}/v25.0/{session}", client.url)).header("authorization", "OAuth token");
    let response = request.header("file_offset", offset).body(vec![7_u8; bytes]).send().await?;
    Ok((response.status(), response.json().await?))
}

fn with_sample(name: &str, format: &str, handle: &str) -> Value {
    json!({ "name": name, "category": "UTILITY", "language": "en", "components": [
        { "type": "HEADER", "format": format, "example": { "header_handle": [handle] } }, { "type": "BODY", "text": "Hello there." },
    ] })
}

#[tokio::test]
async fn a_file_becomes_a_handle_that_fits_its_header() {
    let (simulator, client) = start(Faults::default()).await;
    let session = open(&client, "image/png", 70_000).await;
    assert!(session.starts_with("upload:") && session.contains("?sig="), "{session}");
    let (status, uploaded) = transfer(&client, &session, 0, 70_000).await.unwrap();
    let handle = uploaded["h"].as_str().unwrap();
    assert!(status == StatusCode::OK && handle.starts_with("4::"), "{uploaded}");
    client.create(&with_sample("photo", "IMAGE", handle)).await;
    let (_, refusal) = client.post(&templates_path(), &with_sample("film", "VIDEO", handle)).await.unwrap();
    assert_eq!(subcode(&refusal), 2_388_047);
    // Handles of elsewhere are believed, unless strict.
    client.create(&with_sample("elsewhere", "VIDEO", "4::elsewhere")).await;
    simulator.merge_faults(json!({ "strict": true })).unwrap();
    let (_, refusal) = client.post(&templates_path(), &with_sample("nowhere", "VIDEO", "4::nowhere")).await.unwrap();
    assert_eq!(subcode(&refusal), 2_388_047);
    client.create(&with_sample("photo_two", "IMAGE", handle)).await;
}

#[tokio::test]
async fn a_broken_transfer_goes_on_where_it_ended() {
    let (simulator, client) = start(Faults::default().merged(json!({ "template": { "uploadsCut": 1 } })).unwrap()).await;
    let session = open(&client, "video/mp4", 100_001).await;
    assert!(transfer(&client, &session, 0, 100_001).await.is_err(), "the connection is cut");
    let (_, state) = client.get(&format!("/v25.0/{session}")).await;
    assert_eq!((state["id"].as_str(), state["file_offset"].as_u64()), (Some(session.as_str()), Some(50_001)));
    // A client that escapes the question mark means the same.
    let escaped = session.replace('?', "%3F");
    assert_eq!(client.get(&format!("/v25.0/{escaped}")).await.1["file_offset"], 50_001);
    let (status, refusal) = transfer(&client, &session, 0, 50_000).await.unwrap();
    assert_eq!((status, code(&refusal)), (StatusCode::BAD_REQUEST, 100));
    let (_, part) = transfer(&client, &session, 50_001, 20_000).await.unwrap();
    assert_eq!(part["file_offset"], 70_001);
    assert_eq!(code(&transfer(&client, &session, 70_001, 30_001).await.unwrap().1), 100, "more than was said");
    assert!(transfer(&client, &session, 70_001, 30_000).await.unwrap().1["h"].is_string());
    assert_eq!(simulator.faults().template.uploads_cut, 0);
}

#[tokio::test]
async fn only_known_kinds_of_files_are_taken() {
    let (_simulator, client) = start(Faults::default()).await;
    for kind in ["application/pdf", "image/jpeg", "image/png", "video/mp4"] {
        open(&client, kind, 1).await;
    }
    for query in [
        "file_name=a&file_length=1&file_type=image/gif",
        "file_name=a&file_length=0&file_type=image/png",
        "file_name=a&file_length=104857601&file_type=image/png",
        "file_name=a&file_type=image/png",
        "file_length=1&file_type=image/png",
    ] {
        let (status, refusal) = client.post(&format!("/v25.0/app/uploads?{query}"), &json!({})).await.unwrap();
        assert_eq!((status, code(&refusal)), (StatusCode::BAD_REQUEST, 100), "{query}");
    }
    let session = open(&client, "image/png", 1).await;
    let unsigned = session.split('?').next().unwrap();
    assert_eq!(client.get(&format!("/v25.0/{unsigned}")).await.0, StatusCode::BAD_REQUEST);
    let nameless = client.http.post(format!("{}/v25.0/{session}", client.url)).bearer_auth("token").body("x").send().await.unwrap();
    assert_eq!(nameless.status(), StatusCode::BAD_REQUEST, "file_offset is missing");
}

#[tokio::test]
async fn uploads_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options = || SimulatorOptions { ledger: Some(directory.path().join("ledger")), ..SimulatorOptions::default() };
    let first = Simulator::start(options()).await;
    let client = Client::of(&first);
    let session = open(&client, "image/jpeg", 10).await;
    transfer(&client, &session, 0, 4).await.unwrap();
    first.stop().await;

    let second = Simulator::start(options()).await;
    let client = Client::of(&second);
    let (_, uploaded) = transfer(&client, &session, 4, 6).await.unwrap();
    second.merge_faults(json!({ "strict": true })).unwrap();
    client.create(&with_sample("photo", "IMAGE", uploaded["h"].as_str().unwrap())).await;
}
