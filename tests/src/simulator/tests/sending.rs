//! Sends, their answers, and the ledger.

use std::io::Write;

use super::*;

#[tokio::test]
async fn a_send_is_answered_and_stands_in_the_ledger() {
    let (simulator, client) = start(Faults::default()).await;
    let mut body = template("welcome", &["Ada \"A\" Löwe", "20 %"]);
    body["to"] = "+49 (1511) 2345-678".into();
    body["biz_opaque_callback_data"] = "o".repeat(512).into();
    let (status, answer) = client.send(&body).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["contacts"][0], json!({ "input": "+49 (1511) 2345-678", "wa_id": "4915112345678" }));
    assert_eq!(answer["messages"][0]["message_status"], "accepted");

    let messages = simulator.messages();
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message.wamid, answer["messages"][0]["id"].as_str().unwrap());
    assert_eq!(message.to, "+4915112345678");
    assert_eq!(message.phone_number_id, NUMBER);
    assert_eq!(message.template.as_deref(), Some("welcome"));
    assert_eq!(message.parameters, ["Ada \"A\" Löwe", "20 %"]);
    assert_eq!(message.opaque_data.as_deref(), Some("o".repeat(512).as_str()));
    assert_ne!(message.token_id, "token");
    let counted = simulator.stats();
    assert_eq!((counted.requests, counted.accepted, counted.executed), (1, 1, 1));
}

#[tokio::test]
async fn a_restart_keeps_the_ledger_and_drops_a_half_written_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let options = || SimulatorOptions { ledger: Some(path.clone()), ..SimulatorOptions::default() };
    let first = Simulator::start(options()).await;
    let kept = Client::of(&first).send_text("+4915112345671").await;
    first.stop().await;
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"wamid\":\"wam").unwrap();

    let second = Simulator::start(options()).await;
    assert_eq!(second.stats().executed, 1);
    let added = Client::of(&second).send_text("+4915112345672").await;
    let wamids: Vec<_> = second.messages().into_iter().map(|message| message.wamid).collect();
    assert_eq!(wamids, [kept, added]);
}

#[tokio::test]
async fn a_cut_send_is_in_the_ledger_and_has_no_answer() {
    let (simulator, client) = start(Faults { executed_but_cut_share: 1.0, ..Faults::default() }).await;
    client.send(&text("+4915112345678")).await.expect_err("the connection is cut");
    let messages = simulator.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].answer, super::super::ledger::Answer::Cut);
    assert_eq!(simulator.stats().cut, 1);
}

#[tokio::test]
async fn a_server_error_is_html_and_executes_only_when_told() {
    let (simulator, client) = start(Faults { server_error_share: 1.0, ..Faults::default() }).await;
    let request = || client.http.post(format!("{}/v1.0/{NUMBER}/messages", client.url)).bearer_auth("t").json(&text("+4915112345678"));
    let response = request().send().await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(response.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    assert!(simulator.messages().is_empty());

    simulator.merge_faults(json!({ "serverErrorExecuted": true })).unwrap();
    assert_eq!(request().send().await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(simulator.messages().len(), 1);
}

#[tokio::test]
async fn an_outage_executes_nothing_and_leaves_the_switch_reachable() {
    let (simulator, client) = start(Faults { outage: true, ..Faults::default() }).await;
    client.send(&text("+4915112345678")).await.expect_err("the connection is closed");
    client.post("/_simulator/faults", &json!({ "outage": false })).await.unwrap();
    client.send_text("+4915112345678").await;
    assert_eq!(simulator.messages().len(), 1);
    assert_eq!(simulator.stats().refused_by_outage, 1);
}

#[tokio::test]
async fn a_refused_port_comes_back() {
    let (simulator, client) = start(Faults::default()).await;
    client.send_text("+4915112345678").await;
    client.post("/_simulator/faults", &json!({ "refuseForMs": 300 })).await.unwrap();
    let mut refused = 0;
    // The first try that gets through ends the loop; the tries before were refused while connecting.
    while let Err(error) = client.send(&text("+4915112345678")).await {
        refused += usize::from(error.is_connect());
    }
    assert!(refused > 0);
    assert!(simulator.messages().len() >= 2);
}

#[tokio::test]
async fn pages_of_the_ledger_follow_each_other() {
    let (_simulator, client) = start(Faults::default()).await;
    for last in 0..5 {
        client.send_text(&format!("+491511234567{last}")).await;
    }
    let (_, first) = client.get("/_simulator/messages?limit=2").await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let (_, second) = client.get(&format!("/_simulator/messages?after={cursor}")).await;
    let to = |page: &Value| page["data"].as_array().unwrap().iter().map(|m| m["to"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(to(&first), ["+4915112345670", "+4915112345671"]);
    assert_eq!(to(&second), ["+4915112345672", "+4915112345673", "+4915112345674"]);
    assert_eq!(second["nextCursor"], Value::Null);
    assert_eq!(second["data"][0]["opaqueData"], "opaque-+4915112345672");

    // The end is a cursor too: what comes later is found from there.
    let end = second["lastCursor"].as_str().unwrap();
    assert_eq!(client.get(&format!("/_simulator/messages?after={end}")).await.1["data"], json!([]));
    assert_eq!(client.get("/_simulator/messages?after=7").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_refusal_has_the_envelope_of_the_provider() {
    let (simulator, client) = start(Faults::default()).await;
    let (status, body) = client.send(&json!({ "messaging_product": "whatsapp", "to": "+4915112345678", "type": "text" })).await.unwrap();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let error = &body["error"];
    assert_eq!(error["message"], "(#100) Invalid parameter");
    assert_eq!(error["type"], "OAuthException");
    assert_eq!(error["code"], 100);
    assert_eq!(error["error_data"]["messaging_product"], "whatsapp");
    assert!(error["error_data"]["details"].as_str().unwrap().contains("body"));
    assert!(!error["fbtrace_id"].as_str().unwrap().is_empty());
    assert_eq!(simulator.stats().rejected.get(&100), Some(&1));
    assert!(simulator.messages().is_empty());
}

#[tokio::test]
async fn malformed_sends_are_refused() {
    let (simulator, client) = start(Faults::default()).await;
    let base = || text("+4915112345678");
    let changed = |name: &str, value: Value| {
        let mut body = base();
        body[name] = value;
        body
    };
    for (body, expected) in [
        (changed("messaging_product", json!("sms")), 100),
        (changed("to", json!("nobody")), 131_009),
        (changed("to", json!(Value::Null)), 100),
        (changed("type", json!("telegram")), 100),
        (changed("biz_opaque_callback_data", json!("x".repeat(513))), 100),
        (changed("text", json!({ "body": "x".repeat(4_097) })), 100),
        (changed("text", json!(7)), 100),
        (changed("type", json!("image")), 131_008),
        (changed("type", json!("template")), 131_008),
        (template("t", &["two\nlines"]), 132_012),
    ] {
        let (_, answer) = client.send(&body).await.unwrap();
        assert_eq!(code(&answer), expected, "{body}");
    }
    // Characters count, not bytes.
    let (status, _) = client.send(&changed("text", json!({ "body": "ü".repeat(4_096) }))).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    let (_, read) = client.send(&json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x" })).await.unwrap();
    assert_eq!(read, json!({ "success": true }));
    assert_eq!(simulator.messages().len(), 1);
}

#[tokio::test]
async fn faults_are_merged_documented_and_cleared() {
    let (simulator, client) = start(Faults::default()).await;
    client.post("/_simulator/faults", &json!({ "latencyMs": 5, "webhook": { "batch": 1 } })).await.unwrap();
    let (_, merged) = client.post("/_simulator/faults", &json!({ "webhook": { "readShare": 1.0 }, "latencyMs": null })).await.unwrap();
    assert_eq!(merged["faults"]["webhook"]["batch"], 1);
    assert_eq!(merged["faults"]["latencyMs"], 0);
    for bad in [json!({ "latency": 5 }), json!({ "errorShare": 1.5 }), json!([])] {
        assert_eq!(client.post("/_simulator/faults", &bad).await.unwrap().0, StatusCode::BAD_REQUEST, "{bad}");
    }
    let (_, shown) = client.get("/_simulator/faults").await;
    for name in shown["faults"].as_object().unwrap().keys() {
        assert!(!shown["documentation"][name].is_null(), "{name} is not documented");
    }
    client.post("/_simulator/faults", &json!({ "clear": true })).await.unwrap();
    assert_eq!(simulator.faults(), Faults::default());
}
