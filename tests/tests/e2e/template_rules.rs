//! The rules of templates, as a console shows them and as a draft meets them.

use std::time::Duration;

use crm::templates::rules::{self, Example};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{
    simulator::{Faults, Simulator, SimulatorOptions},
    wait::{self, Look},
};

use crate::crm_app::CrmApp;

fn rule<'a>(rules: &'a Value, name: &str) -> &'a Value {
    let rules = rules["data"].as_array().expect("a list");
    rules.iter().find(|rule| rule["name"] == name).unwrap_or_else(|| panic!("{name} is not listed"))
}

#[tokio::test]
async fn the_rules_are_listed_with_their_figures_and_words() {
    let crm = CrmApp::start().await;
    let rules: Value = crm.app.get("/api/templates/rules").await.expect(StatusCode::OK).json();
    assert!(rules["data"].as_array().expect("a list").len() > 90);
    let body = rule(&rules, "BODY_LENGTH");
    assert_eq!(
        (&body["subject"], &body["code"], &body["description"], &body["limit"]),
        (
            &json!("BODY"),
            &json!("too-long"),
            &json!("the text of a body has 1 to 1024 characters"),
            &json!({ "least": 1, "most": 1024, "unit": "characters" })
        )
    );
    assert_eq!(rule(&rules, "OFFER_HEADER")["limit"], json!({ "words": ["IMAGE", "VIDEO"] }));
    assert_eq!(rule(&rules, "CARDS_LEAST")["limit"], json!({ "least": 2, "unit": "pieces" }));
    assert_eq!(rule(&rules, "BODY_EDGE")["limit"], Value::Null);
    assert_eq!(rule(&rules, "BODY_EDGE")["source"], "error code 2388299");
}

#[tokio::test]
async fn a_card_that_breaks_a_rule_is_refused_at_its_field_in_the_words_of_the_list() {
    let crm = CrmApp::start().await;
    let channel = crm.a_channel("100200300").await;
    let rules: Value = crm.app.get("/api/templates/rules").await.json();
    let card = |text: &str| {
        json!({ "components": [
            { "type": "header", "format": "image", "example": { "header_handle": ["4::aW"] } },
            { "type": "body", "text": text },
            { "type": "buttons", "buttons": [{ "type": "quick_reply", "text": "Yes" }] },
        ] })
    };
    let template = |cards: Value| {
        json!({
            "channelId": channel["id"], "name": "cards", "language": "en_US", "category": "MARKETING",
            "components": [{ "type": "body", "text": "New for you" }, { "type": "carousel", "cards": cards }],
        })
    };
    let broken = template(json!([card("Nice"), card(&"x".repeat(161))]));
    let problem = crm.app.post_json("/api/templates", broken).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    let length = rule(&rules, "CARD_BODY_LENGTH");
    assert_eq!(
        problem["errors"],
        json!([{ "field": "components[1].cards[1].components[1].text", "code": length["code"], "message": length["description"] }])
    );
    let created: Value =
        crm.app.post_json("/api/templates", template(json!([card("Nice"), card("Nicer")]))).await.expect(StatusCode::CREATED).json();
    assert_eq!(created["components"][1]["cards"][0]["components"][0]["format"], "IMAGE");
    let soon = json!({
        "channelId": channel["id"], "name": "soon", "language": "en_US", "category": "MARKETING", "messageSendTtlSeconds": 60,
        "components": [{ "type": "BODY", "text": "Hello." }],
    });
    crm.app.post_json("/api/templates", soon).await.field_problem("messageSendTtlSeconds", "out-of-range");
}

/// What the provider answers to the creation of a template in an account of its own.
async fn provider(http: &reqwest::Client, simulator: &Simulator, account: usize, example: &Example) -> (StatusCode, String) {
    let mut creation = json!({
        "name": example.name,
        "language": example.language,
        "category": example.category.as_str(),
        "parameter_format": example.format.as_str(),
        "components": example.components,
    });
    if let Some(seconds) = example.message_ttl_seconds {
        creation["message_send_ttl_seconds"] = seconds.into();
    }
    let path = format!("{}/v25.0/{account}/message_templates", simulator.url());
    let answer = http.post(path).bearer_auth("EAAG-one").json(&creation).send().await.expect("an answer");
    (answer.status(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn the_provider_judges_the_examples_of_each_rule_as_the_table_does() {
    runtime::tls::install();
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let simulator = Simulator::start(SimulatorOptions::default()).await;
    simulator.set_faults(Faults { review_delay_ms: 0, ..Faults::default() });
    let mut disagreements = Vec::new();
    for (index, rule) in rules::all().enumerate() {
        let (status, text) = provider(&http, &simulator, 1_000 + index, &(rule.passes)()).await;
        if status != StatusCode::OK {
            disagreements.push(format!("{} passes: {status} {text}", rule.name));
        }
        // The provider need not know what only keeps this program safe.
        if rule.source == "heliograph" {
            continue;
        }
        let (status, text) = provider(&http, &simulator, 2_000 + index, &(rule.fails)()).await;
        // It takes some that its review turns down.
        let refused =
            status == StatusCode::BAD_REQUEST || (rule.source.ends_with("/template-review") && is_rejected(&http, &simulator, &text).await);
        if !refused {
            disagreements.push(format!("{} fails: {status} {text}", rule.name));
        }
    }
    assert!(disagreements.is_empty(), "{disagreements:#?}");
}

/// Whether the review turns down a template that was created with this answer.
async fn is_rejected(http: &reqwest::Client, simulator: &Simulator, created: &str) -> bool {
    let created: Value = serde_json::from_str(created).expect("JSON");
    let path = format!("{}/v25.0/{}?fields=status", simulator.url(), created["id"].as_str().expect("an id"));
    let look = async || {
        let template: Value = http.get(&path).bearer_auth("EAAG-one").send().await?.json().await?;
        Ok(match template["status"].as_str() {
            Some("PENDING") => Look::NotYet(template.to_string()),
            status => Look::There(status == Some("REJECTED")),
        })
    };
    wait::until(Duration::from_secs(30), look).await.expect("a judgement")
}
