//! The life of a template.

use super::{super::Review, *};

#[tokio::test]
async fn a_template_is_reviewed_and_its_parameters_are_counted() {
    let (simulator, client, mut receiver) = start_with_receiver(Faults { review_delay_ms: 200, ..Faults::default() }).await;
    let mut order = definition("order", "Hi {{1}}, order {{2}} is ready.");
    order["components"][0]["example"]["body_text"] = json!([["Ada", "7"]]);
    let (status, created) = client.post(&templates_path(), &order).await.unwrap();
    assert_eq!((status, created["status"].as_str(), created["category"].as_str()), (StatusCode::OK, Some("PENDING"), Some("UTILITY")));
    // Not approved yet.
    assert_eq!(code(&client.send(&template("order", &["Ada", "7"])).await.unwrap().1), 132_001);

    let (value, entry) = receiver.change("message_template_status_update").await;
    assert_eq!((value["event"].as_str(), value["reason"].as_str()), (Some("APPROVED"), Some("NONE")));
    assert_eq!(value["message_template_id"].to_string(), created["id"].as_str().unwrap());
    assert_eq!(entry["id"], ACCOUNT);
    assert!(entry["time"].is_i64());

    assert_eq!(code(&client.send(&template("order", &["Ada"])).await.unwrap().1), 132_000);
    assert_eq!(client.send(&template("order", &["Ada", "7"])).await.unwrap().0, StatusCode::OK);
    assert_eq!(simulator.messages().len(), 1);
}

#[tokio::test]
async fn a_template_is_paused_disabled_rejected_and_recategorized_when_told() {
    let (simulator, client, mut receiver) = start_with_receiver(Faults { review_off: true, ..Faults::default() }).await;
    let (_, created) = client.post(&templates_path(), &definition("offer", "Hi {{1}}!")).await.unwrap();
    let id = created["id"].as_str().unwrap();
    let review = format!("/_simulator/templates/{id}/review");

    let (_, rejected) = client.post(&review, &json!({ "action": "reject", "reason": "PROMOTIONAL" })).await.unwrap();
    assert_eq!((rejected["status"].as_str(), rejected["rejected_reason"].as_str()), (Some("REJECTED"), Some("PROMOTIONAL")));
    assert_eq!(receiver.change("message_template_status_update").await.0["reason"], "PROMOTIONAL");
    client.post(&review, &json!({ "action": "pause" })).await.unwrap();
    assert_eq!(receiver.change("message_template_status_update").await.0["other_info"]["title"], "FIRST_PAUSE");
    assert_eq!(code(&client.send(&template("offer", &["Ada"])).await.unwrap().1), 132_015);
    client.post(&review, &json!({ "action": "disable" })).await.unwrap();
    assert_eq!(code(&client.send(&template("offer", &["Ada"])).await.unwrap().1), 132_016);
    assert_eq!(simulator.review("offer", &Review::Recategorize("MARKETING".to_owned())), 1);
    let (change, _) = receiver.change("template_category_update").await;
    assert_eq!((change["previous_category"].as_str(), change["new_category"].as_str()), (Some("UTILITY"), Some("MARKETING")));
    assert_eq!(client.get(&format!("/v25.0/{id}?fields=status,category")).await.1["category"], "MARKETING");
    assert_eq!(client.post("/_simulator/templates/1/review", &json!({ "action": "approve" })).await.unwrap().0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn templates_are_unique_listed_in_pages_and_deleted_by_name() {
    let (_simulator, client) = start(Faults::default()).await;
    for name in ["one", "two", "three"] {
        client.post(&templates_path(), &definition(name, "Hello there.")).await.unwrap();
    }
    let (status, duplicate) = client.post(&templates_path(), &definition("one", "Hello again.")).await.unwrap();
    assert_eq!((status, code(&duplicate), duplicate["error"]["error_subcode"].as_i64()), (StatusCode::BAD_REQUEST, 100, Some(2_388_024)));

    let (_, first) = client.get(&format!("{}?limit=2", templates_path())).await;
    let cursor = first["paging"]["cursors"]["after"].as_str().unwrap();
    let (_, second) = client.get(&format!("{}?limit=2&after={cursor}", templates_path())).await;
    let names: Vec<_> = [&first, &second].iter().flat_map(|page| page["data"].as_array().unwrap()).map(|t| t["name"].to_string()).collect();
    assert_eq!((names.len(), distinct(names)), (3, 3));
    assert!(first["paging"]["next"].is_string() && second["paging"]["next"].is_null());
    assert_eq!(client.get(&format!("{}?name=two", templates_path())).await.1["data"][0]["name"], "two");

    let delete = client.http.delete(format!("{}{}?name=two", client.url, templates_path())).bearer_auth("t").send().await.unwrap();
    assert_eq!(delete.json::<Value>().await.unwrap(), json!({ "success": true }));
    assert_eq!(client.get(&format!("{}?name=two", templates_path())).await.1["data"], json!([]));
}

#[tokio::test]
async fn malformed_templates_are_refused_and_bad_ones_rejected() {
    let (_simulator, client, mut receiver) = start_with_receiver(Faults { review_delay_ms: 0, ..Faults::default() }).await;
    for (name, body, subcode) in [
        ("Order", "Hello.", None),
        ("order", "Hi {{2}} there.", Some(2_388_072)),
        ("order", "{{1}} is here.", Some(2_388_299)),
        ("order", "", Some(2_388_072)),
    ] {
        let (_, answer) = client.post(&templates_path(), &definition(name, body)).await.unwrap();
        assert_eq!((code(&answer), answer["error"]["error_subcode"].as_i64()), (100, subcode), "{name}: {body}");
    }
    let mut adjacent = definition("adjacent", "Hi and hello {{1}} {{2}}!");
    adjacent["components"][0]["example"]["body_text"] = json!([["Ada", "Lovelace"]]);
    client.create(&adjacent).await;
    let (value, _) = receiver.change("message_template_status_update").await;
    assert_eq!((value["event"].as_str(), value["reason"].as_str()), (Some("REJECTED"), Some("INVALID_FORMAT")));
}

#[tokio::test]
async fn templates_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options = || SimulatorOptions { ledger: Some(directory.path().join("ledger")), ..SimulatorOptions::default() };
    let first = Simulator::start(options()).await;
    let (_, created) = Client::of(&first).post(&templates_path(), &definition("kept", "Hi {{1}}!")).await.unwrap();
    first.review("kept", &Review::Approve);
    first.stop().await;

    let second = Simulator::start(options()).await;
    let client = Client::of(&second);
    let id = created["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/v25.0/{id}")).await.1["status"], "APPROVED");
    assert_eq!(code(&client.send(&template("kept", &[])).await.unwrap().1), 132_000);
}

#[tokio::test]
async fn a_number_belongs_to_the_account_it_is_listed_for() {
    let (simulator, client) = start(Faults::default()).await;
    let (_, number) = client.get(&format!("/v25.0/{NUMBER}?fields=display_phone_number,verified_name,quality_rating")).await;
    assert_eq!((number["id"].as_str(), number["quality_rating"].as_str()), (Some(NUMBER), Some("GREEN")));
    let (_, numbers) = client.get(&format!("/v25.0/{ACCOUNT}/phone_numbers")).await;
    assert_eq!(numbers["data"][0]["id"], NUMBER);
    // The same token may connect a number to another account.
    client.get("/v25.0/777").await;
    let (_, numbers) = client.get("/v25.0/555/phone_numbers").await;
    assert!(numbers["data"].as_array().unwrap().iter().any(|number| number["id"] == "777"));
    simulator.set_faults(Faults { strict: true, ..Faults::default() });
    let (_, numbers) = client.get("/v25.0/555/phone_numbers?fields=id").await;
    assert_eq!(numbers["data"], json!([{ "id": "777" }]));
    assert_eq!(client.get("/v25.0/1/2/3").await.1["error"]["code"], 2_500);
}
