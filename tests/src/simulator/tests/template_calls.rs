//! Calls about templates: their answers, their limits, and what goes wrong on their way.

use chrono::{DateTime, TimeDelta};
use kernel::ManualClock;

use super::{super::Review, *};

fn plain(name: &str) -> Value {
    definition(name, "Hello there.")
}

async fn start_with(faults: Value) -> (Simulator, Client) {
    start(Faults::default().merged(faults).unwrap()).await
}

#[tokio::test]
async fn refusals_have_the_envelope_of_the_graph_api() {
    let (_simulator, client) = start(Faults::default()).await;
    let (status, answer) = client.post(&templates_path(), &definition("offer", "{{1}} is here today")).await.unwrap();
    let error = &answer["error"];
    assert_eq!((status, error["code"].as_i64(), error["error_subcode"].as_i64()), (StatusCode::BAD_REQUEST, Some(100), Some(2_388_299)));
    assert_eq!((error["type"].as_str(), error["is_transient"].as_bool()), (Some("OAuthException"), Some(false)));
    assert!(error["error_user_msg"].as_str().unwrap().starts_with("BODY: "));
    assert!(error["error_user_title"].is_string() && error["fbtrace_id"].is_string() && error["message"].is_string());
    for (body, subcode) in [(json!({ "name": "offer" }), 0), (plain("Offer"), 0)] {
        let (_, answer) = client.post(&templates_path(), &body).await.unwrap();
        assert_eq!((code(&answer), super::subcode(&answer)), (100, subcode), "{answer}");
        assert!(answer["error"]["error_data"]["details"].is_string());
    }
}

#[tokio::test]
async fn listings_are_paged_both_ways_with_opaque_cursors() {
    let (_simulator, client) = start(Faults::default()).await;
    for name in ["one", "two", "three", "four", "five"] {
        client.create(&plain(name)).await;
    }
    let ids = |page: &Value| page["data"].as_array().unwrap().iter().map(|template| template["id"].to_string()).collect::<Vec<_>>();
    let page = async |query: &str| client.get(&format!("{}?limit=2{query}", templates_path())).await.1;
    let first = page("").await;
    let after = |page: &Value| format!("&after={}", page["paging"]["cursors"]["after"].as_str().unwrap());
    let second = page(&after(&first)).await;
    let third = page(&after(&second)).await;
    assert_eq!([ids(&first).len(), ids(&second).len(), ids(&third).len()], [2, 2, 1]);
    assert_eq!(distinct([ids(&first), ids(&second), ids(&third)].concat()), 5);
    assert!(third["paging"]["next"].is_null() && third["paging"]["previous"].is_string());
    let back = page(&format!("&before={}", second["paging"]["cursors"]["before"].as_str().unwrap())).await;
    assert_eq!(ids(&back), ids(&first));
    assert_eq!(code(&page("&after=%3F%3F").await), 100);
    // Judgements are shown only to who asks for them.
    assert!(first["data"][0]["quality_score"].is_null() && first["data"][0]["rejected_reason"].is_null());
    let asked = page("&fields=name,rejected_reason,quality_score").await;
    assert_eq!((asked["data"][0]["rejected_reason"].as_str(), asked["data"][0]["status"].as_str()), (Some("NONE"), None));
}

#[tokio::test]
async fn a_listing_shows_links_for_samples_and_the_texts_of_codes() {
    let (_simulator, client) = start(Faults::default()).await;
    let mut photo = plain("photo");
    photo["components"][1] = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::abc"] } });
    let id = client.create(&photo).await;
    let shown = client.get(&format!("/v25.0/{id}")).await.1;
    let link = shown["components"][1]["example"]["header_handle"][0].as_str().unwrap();
    assert!(link.starts_with("https://scontent.whatsapp.net/"), "{link}");
    let code_template = json!({ "name": "code", "category": "AUTHENTICATION", "language": "en_US", "components": [
        { "type": "BODY", "add_security_recommendation": true }, { "type": "FOOTER", "code_expiration_minutes": 5 },
        { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] },
    ] });
    let id = client.create(&code_template).await;
    let shown = client.get(&format!("/v25.0/{id}")).await.1["components"].clone();
    assert_eq!(shown[0]["text"], "*{{1}}* is your verification code. For your security, do not share this code.");
    assert_eq!(shown[1]["text"], "This code expires in 5 minutes.");
    assert_eq!(shown[2]["buttons"][0]["type"], "URL");
    let url = "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code_expiration_minutes=5&code=otp{{1}}";
    assert_eq!(shown[2]["buttons"][0]["url"], url);
}

#[tokio::test]
async fn a_link_is_no_sample_of_an_edit() {
    let (simulator, client) = start(Faults::default()).await;
    let header = |sample: &str| json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": [sample] } });
    let mut photo = plain("photo");
    photo["components"][1] = header("4::abc");
    let id = client.create(&photo).await;
    simulator.review("photo", &Review::Reject("INVALID_FORMAT".to_owned()));
    let edit = |sample: &str| json!({ "components": [{ "type": "BODY", "text": "Hello." }, header(sample)] });
    let (_, refusal) = client.post(&format!("/v25.0/{id}"), &edit("https://scontent.whatsapp.net/x")).await.unwrap();
    assert_eq!(subcode(&refusal), 2_388_047);
    assert_eq!(client.post(&format!("/v25.0/{id}"), &edit("4::def")).await.unwrap().0, StatusCode::OK);
}

#[tokio::test]
async fn an_account_creates_a_hundred_templates_an_hour() {
    let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_790_000_000, 0).unwrap()));
    let (simulator, client, _receiver) = start_with_clock(Faults::default(), Arc::clone(&clock) as _).await;
    for nth in 0..100 {
        client.create(&plain(&format!("offer_{nth}"))).await;
    }
    let (status, refusal) = client.post(&templates_path(), &plain("offer_100")).await.unwrap();
    assert_eq!((status, code(&refusal)), (StatusCode::TOO_MANY_REQUESTS, 80_007));
    assert_eq!(refusal["error"]["is_transient"], true);
    // Another account has its own hundred.
    assert_eq!(client.post("/v25.0/555/message_templates", &plain("offer_100")).await.unwrap().0, StatusCode::OK);
    clock.advance(TimeDelta::hours(1));
    client.create(&plain("offer_100")).await;
    assert_eq!(simulator.template_calls().created, 102);
    assert_eq!(simulator.template_calls().refused, 1);
}

#[tokio::test]
async fn an_account_has_so_many_templates_and_calls() {
    let (simulator, client) = start_with(json!({ "template": { "perAccount": 2 } })).await;
    let first = client.create(&plain("one")).await;
    client.create(&plain("two")).await;
    let (_, refusal) = client.post(&templates_path(), &plain("three")).await.unwrap();
    assert_eq!((code(&refusal), subcode(&refusal)), (100, 2_388_019));
    assert_eq!(client.delete(&format!("{}?name=one&hsm_id={first}", templates_path())).await.0, StatusCode::OK);
    client.create(&plain("three")).await;
    simulator.merge_faults(json!({ "template": { "callsPerHour": 5 } })).unwrap();
    let (status, refusal) = client.get(&templates_path()).await;
    assert_eq!((status, code(&refusal)), (StatusCode::TOO_MANY_REQUESTS, 80_007));
}

#[tokio::test]
async fn deletions_name_what_they_delete() {
    let (simulator, client) = start(Faults::default()).await;
    let (one, two) = (client.create(&plain("one")).await, client.create(&plain("two")).await);
    let path = templates_path();
    for query in [
        String::new(),
        format!("?hsm_id={one}"),
        format!("?name=one&hsm_ids=[{one}]"),
        "?hsm_ids=[]".to_owned(),
        "?hsm_ids=one".to_owned(),
        format!("?hsm_ids={:?}", vec![one.as_str(); 101]).replace(' ', ""),
    ] {
        let (status, refusal) = client.delete(&format!("{path}{query}")).await;
        assert_eq!((status, code(&refusal)), (StatusCode::BAD_REQUEST, 100), "{query}");
    }
    for query in ["?name=three".to_owned(), format!("?name=two&hsm_id={one}"), format!("?hsm_ids=[{one},1]")] {
        assert_eq!(subcode(&client.delete(&format!("{path}{query}")).await.1), 2_593_002, "{query}");
    }
    assert_eq!(simulator.template_calls().deleted, 0);
    assert_eq!(client.delete(&format!("{path}?hsm_ids=[{one},\"{two}\"]")).await.0, StatusCode::OK);
    assert_eq!(simulator.template_calls().deleted, 1);
    assert!(simulator.templates().iter().all(|template| template.status == "DELETED" && template.deleted_at.is_some()));
}

#[tokio::test]
async fn a_creation_may_be_executed_and_its_answer_lost() {
    let (simulator, client) = start_with(json!({ "template": { "executedButCut": 1 } })).await;
    assert!(client.post(&templates_path(), &plain("lost")).await.is_err(), "the connection is closed");
    let (_, twice) = client.post(&templates_path(), &plain("lost")).await.unwrap();
    assert_eq!(subcode(&twice), 2_388_024);
    assert_eq!((simulator.faults().template.executed_but_cut, simulator.template_calls().created), (0, 1));
    let (_, ledger) = client.get("/_simulator/templates").await;
    assert_eq!((ledger["data"].as_array().unwrap().len(), ledger["data"][0]["name"].as_str()), (1, Some("lost")));
    assert_eq!(ledger["calls"]["created"], 1);
}

#[tokio::test]
async fn calls_may_fail_executed_or_not() {
    let (simulator, client) = start_with(json!({ "template": { "serverErrors": 1, "errors": 1 } })).await;
    let create = async |name: &str| {
        let request = client.http.post(format!("{}{}", client.url, templates_path())).bearer_auth("t").json(&plain(name));
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    let (status, body) = create("one").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(code(&serde_json::from_str(&body).unwrap()), 2);
    let (status, body) = create("one").await;
    assert!(status == StatusCode::INTERNAL_SERVER_ERROR && body.starts_with("<!DOCTYPE html>"), "{body}");
    assert_eq!(simulator.template_calls().created, 0);
    simulator.merge_faults(json!({ "template": { "serverErrors": 1, "serverErrorsExecuted": true } })).unwrap();
    assert_eq!(create("one").await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(simulator.template_calls().created, 1);
}

#[tokio::test]
async fn listings_may_lag_behind_creations() {
    let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_790_000_000, 0).unwrap()));
    let faults = Faults::default().merged(json!({ "template": { "listingLagMs": 5_000 } })).unwrap();
    let (_simulator, client, _receiver) = start_with_clock(faults, Arc::clone(&clock) as _).await;
    let id = client.create(&plain("late")).await;
    let listed = async || client.get(&templates_path()).await.1["data"].as_array().unwrap().len();
    assert_eq!(listed().await, 0);
    assert_eq!(client.get(&format!("/v25.0/{id}")).await.1["name"], "late");
    clock.advance(TimeDelta::seconds(5));
    assert_eq!(listed().await, 1);
}

#[tokio::test]
async fn templates_may_be_silent() {
    let (simulator, client, mut receiver) =
        start_with_receiver(Faults::default().merged(json!({ "reviewDelayMs": 0, "template": { "webhooksOff": true } })).unwrap()).await;
    let id = client.create(&plain("silent")).await;
    while client.get(&format!("/v25.0/{id}")).await.1["status"] != "APPROVED" {
        tokio::task::yield_now().await;
    }
    simulator.merge_faults(json!({ "template": { "webhooksOff": false } })).unwrap();
    simulator.review("silent", &Review::Flag);
    assert_eq!(receiver.status_update().await["event"], "FLAGGED", "nothing was told before");
}

#[tokio::test]
async fn actions_and_faults_explain_themselves() {
    let (_simulator, client) = start(Faults::default()).await;
    let (_, shown) = client.get("/_simulator/faults").await;
    let documentation = &shown["documentation"];
    assert!(documentation["template"]["executedButCut"].is_string() && documentation["GET /_simulator/templates"].is_string());
    let actions = documentation["POST /_simulator/templates/{id}/review"].as_object().unwrap();
    for (nth, action) in actions.keys().enumerate() {
        client.create(&plain(&format!("offer_{nth}"))).await;
        let body = json!({ "action": action, "category": "MARKETING", "score": "GREEN" });
        let (status, answer) = client.post(&format!("/_simulator/templates/offer_{nth}/review"), &body).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{action}: {answer}");
    }
    for body in [json!({ "action": "bless" }), json!({ "action": "announceCategory" }), json!({ "action": "quality", "score": "BLUE" })] {
        assert_eq!(client.post("/_simulator/templates/offer_0/review", &body).await.unwrap().0, StatusCode::BAD_REQUEST, "{body}");
    }
}
