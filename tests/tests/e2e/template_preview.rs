//! What recipients would see: by the sender's renderer, for drafts and for people.

use chrono::TimeDelta;
use kernel::Clock;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::crm_app::{CrmApp, id};

/// A draft, then given these components as if the provider had listed them.
async fn a_template(crm: &CrmApp, components: Value) -> String {
    let channel = crm.a_channel("100200300").await;
    let draft = json!({
        "channelId": channel["id"], "name": "offer", "language": "en_US", "category": "MARKETING", "parameterFormat": "POSITIONAL",
        "components": [{ "type": "BODY", "text": "Spring is here." }],
    });
    let created: Value = crm.app.post_json("/api/templates", draft).await.expect(StatusCode::CREATED).json();
    let mut owner = crm.app.database.owner().await;
    sqlx::query("update templates set components = $1").bind(components).execute(&mut owner).await.expect("the database answers");
    id(&created).to_owned()
}

async fn a_contact(crm: &CrmApp, contact: Value) -> String {
    let created: Value = crm.app.post_json("/api/contacts", contact).await.expect(StatusCode::CREATED).json();
    id(&created).to_owned()
}

fn greeting() -> Value {
    json!([
        { "type": "HEADER", "format": "TEXT", "text": "For {{1}}", "example": { "header_text": ["Grace"] } },
        { "type": "BODY", "text": "Hello *{{1}}*, take {{2}} off with\n* {{3}}", "example": { "body_text": [["Ada", "20 %", "SAVE"]] } },
        { "type": "FOOTER", "text": "_Until May_" },
        { "type": "BUTTONS", "buttons": [
            { "type": "URL", "text": "Shop", "url": "https://example.com/{{1}}", "example": ["https://example.com/spring"] },
            { "type": "QUICK_REPLY", "text": "Stop" },
        ] },
    ])
}

/// Field and code of each error of a refused request.
fn problems(answer: &Value) -> Vec<(String, String)> {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("errors in {answer}"));
    let word = |error: &Value, key: &str| error[key].as_str().expect("a word").to_owned();
    errors.iter().map(|error| (word(error, "field"), word(error, "code"))).collect()
}

fn pairs<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
    expected.map(|(field, code)| (field.to_owned(), code.to_owned())).to_vec()
}

#[tokio::test]
async fn everything_that_is_missing_or_wrong_is_told_at_once() {
    let crm = CrmApp::start().await;
    let path = format!("/api/templates/{}/preview", a_template(&crm, greeting()).await);
    let refused: Value = crm.app.post(&path).await.expect(StatusCode::BAD_REQUEST).json();
    let missing = ["header.1", "1", "2", "3", "button.0.1"].map(|name| (format!("variables.{name}"), "variable-missing".to_owned()));
    assert_eq!(problems(&refused), missing);
    let values = json!({ "variables": { "header.1": "Grace", "1": "a\nb", "2": "a     b", "button.0.1": " " } });
    let refused: Value = crm.app.post_json(&path, values).await.expect(StatusCode::BAD_REQUEST).json();
    let expected = [
        ("variables.1", "variable-line-break"),
        ("variables.2", "variable-spaces"),
        ("variables.3", "variable-missing"),
        ("variables.button.0.1", "variable-empty"),
    ];
    assert_eq!(problems(&refused), pairs(expected));
}

#[tokio::test]
async fn a_preview_shows_texts_with_their_formatting() {
    let crm = CrmApp::start().await;
    let path = format!("/api/templates/{}/preview", a_template(&crm, greeting()).await);
    let values = json!({ "variables": { "header.1": "*Grace*", "1": "Ada", "2": "20 %", "3": "_SAVE_", "button.0.1": "a b" } });
    let shown: Value = crm.app.post_json(&path, values).await.expect(StatusCode::OK).json();
    assert_eq!(shown["header"], json!({ "type": "text", "text": "For *Grace*" }));
    assert_eq!((&shown["body"], &shown["text"]), (&json!("Hello *Ada*, take 20 % off with\n* _SAVE_"), &shown["body"]));
    assert_eq!(shown["footer"], "_Until May_");
    assert_eq!(
        shown["buttons"],
        json!([
            { "kind": "URL", "label": "Shop", "target": "https://example.com/a%20b" },
            { "kind": "QUICK_REPLY", "label": "Stop", "target": null },
        ])
    );
    let text = |text: &str| json!({ "type": "text", "text": text });
    assert_eq!(
        shown["formatted"],
        json!({
            "header": [{ "type": "paragraph", "content": [text("For *Grace*")] }],
            "offer": null,
            "body": [
                { "type": "paragraph", "content": [text("Hello "), { "type": "bold", "content": [text("Ada")] }, text(", take 20 % off with")] },
                { "type": "bulletedList", "items": [{ "content": [{ "type": "italic", "content": [text("SAVE")] }] }] },
            ],
            "footer": [{ "type": "paragraph", "content": [{ "type": "italic", "content": [text("Until May")] }] }],
            "cards": [],
        })
    );
    assert_eq!(shown["components"][2]["parameters"], json!([{ "type": "text", "text": "a%20b" }]));
    assert_eq!(shown["variables"], json!(["header.1", "1", "2", "3", "button.0.1"]));
    assert_eq!(shown["optionalVariables"], json!([]));
}

#[tokio::test]
async fn a_preview_with_samples_fills_what_is_not_named() {
    let crm = CrmApp::start().await;
    let path = format!("/api/templates/{}/preview", a_template(&crm, greeting()).await);
    let shown: Value = crm.app.post_json(&path, json!({ "useSamples": true })).await.expect(StatusCode::OK).json();
    assert_eq!(shown["header"]["text"], "For Grace");
    assert_eq!(shown["body"], "Hello *Ada*, take 20 % off with\n* SAVE");
    assert_eq!(shown["buttons"][0]["target"], "https://example.com/spring");
    let shown: Value =
        crm.app.post_json(&path, json!({ "useSamples": true, "variables": { "1": "Eve" } })).await.expect(StatusCode::OK).json();
    assert_eq!(shown["body"], "Hello *Eve*, take 20 % off with\n* SAVE");
    let mapped = json!({ "useSamples": true, "variables": { "1": { "field": "name" } } });
    crm.app.post_json(&path, mapped).await.field_problem("variables.1", "variable-missing");
}

#[tokio::test]
async fn offers_places_and_cards_are_shown_with_samples_too() {
    let crm = CrmApp::start().await;
    let card = |name: &str| {
        json!({ "components": [
            { "type": "HEADER", "format": "PRODUCT" },
            { "type": "BODY", "text": format!("{name} for {{{{1}}}} now"), "example": { "body_text": [["5 €"]] } },
            { "type": "BUTTONS", "buttons": [{ "type": "SPM", "text": "View" }] },
        ] })
    };
    let components = json!([
        { "type": "HEADER", "format": "LOCATION" },
        { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "*Spring*", "has_expiration": true } },
        { "type": "BODY", "text": "Choose" },
        { "type": "CAROUSEL", "cards": [card("*Rome*"), card("Paris")] },
    ]);
    let path = format!("/api/templates/{}/preview", a_template(&crm, components).await);
    let tomorrow = || (crm.app.clock.now() + TimeDelta::days(1)).timestamp_millis();
    let earliest = tomorrow();
    let shown: Value = crm.app.post_json(&path, json!({ "useSamples": true })).await.expect(StatusCode::OK).json();
    assert_eq!(shown["header"], json!({ "type": "location", "latitude": "0", "longitude": "0", "name": null, "address": null }));
    assert_eq!(shown["offer"]["text"], "*Spring*");
    assert!((earliest..=tomorrow()).contains(&shown["offer"]["expirationTimeMs"].as_i64().expect("an instant")), "{}", shown["offer"]);
    assert_eq!(shown["formatted"]["offer"][0]["content"], json!([{ "type": "text", "text": "*Spring*" }]));
    assert_eq!(shown["cards"][0]["body"], "*Rome* for 5 € now");
    assert_eq!(shown["formatted"]["cards"][0]["body"][0]["content"][0]["type"], "bold");
    assert_eq!(shown["cards"][1]["buttons"], json!([{ "kind": "SPM", "label": "View", "target": null }]));
    assert_eq!(shown["components"][2]["cards"][1]["card_index"], 1);
    assert_eq!(shown["optionalVariables"], json!(["header.location.name", "header.location.address"]));
}

#[tokio::test]
async fn values_are_taken_from_a_contact_as_a_campaign_takes_them() {
    let crm = CrmApp::start().await;
    let path = format!("/api/templates/{}/preview", a_template(&crm, greeting()).await);
    let contact = a_contact(
        &crm,
        json!({ "name": "Ada", "phoneNumber": "+4915123456789", "attributes": { "city": " Rome ", "age": 36, "none": "  " } }),
    )
    .await;
    let values = json!({
        "header.1": { "field": "phoneNumber" },
        "1": { "field": "attributes.city" },
        "2": { "field": "age" },
        "3": { "field": "attributes.none", "fallback": "nothing" },
        "button.0.1": { "value": "x" },
    });
    let shown: Value = crm.app.post_json(&path, json!({ "variables": values, "contactId": contact })).await.expect(StatusCode::OK).json();
    assert_eq!(shown["header"]["text"], "For +4915123456789");
    assert_eq!(shown["body"], "Hello *Rome*, take 36 off with\n* nothing");
}

#[tokio::test]
async fn several_contacts_are_each_told_what_they_would_get_or_what_is_missing() {
    let crm = CrmApp::start().await;
    let template = a_template(&crm, json!([{ "type": "BODY", "text": "Hello {{1}} from {{2}}, welcome" }])).await;
    let path = format!("/api/templates/{template}/preview/contacts");
    let ada = a_contact(&crm, json!({ "name": "Ada", "attributes": { "city": "Rome" } })).await;
    let eve = a_contact(&crm, json!({ "name": "Eve" })).await;
    let variables = json!({ "1": { "field": "name" }, "2": { "field": "attributes.city" } });
    let asked = json!({ "contactIds": [eve, ada], "variables": variables });
    let shown: Value = crm.app.post_json(&path, asked).await.expect(StatusCode::OK).json();
    let data = shown["data"].as_array().expect("a list");
    assert_eq!((data.len(), &data[0]["contactId"], &data[1]["contactId"]), (2, &json!(eve), &json!(ada)));
    assert_eq!(data[0]["preview"], Value::Null);
    assert_eq!(
        data[0]["problems"],
        json!([{ "field": "variables.2", "code": "variable-missing", "message": "variable `2` has no value" }])
    );
    assert_eq!((&data[1]["preview"]["body"], &data[1]["problems"]), (&json!("Hello Ada from Rome, welcome"), &json!([])));
    assert_eq!(data[1]["preview"]["components"][0]["parameters"][1]["text"], "Rome");

    crm.app.post_json(&path, json!({ "contactIds": [] })).await.field_problem("contactIds", "required");
    let many = json!({ "contactIds": vec![ada.as_str(); 21] });
    crm.app.post_json(&path, many).await.field_problem("contactIds", "too-many");
    let stranger = crm.app.stranger().await;
    let theirs: Value = stranger.client.post_json("/api/contacts", json!({ "name": "Mallory" })).await.expect(StatusCode::CREATED).json();
    let asked = json!({ "contactIds": [ada, theirs["id"]] });
    crm.app.post_json(&path, asked).await.problem(StatusCode::NOT_FOUND, "contact-not-found");
}

#[tokio::test]
async fn who_may_not_see_contacts_sees_none_of_their_fields() {
    let crm = CrmApp::start().await;
    let template = a_template(&crm, json!([{ "type": "BODY", "text": "Hello {{1}}, welcome" }])).await;
    let contact = a_contact(&crm, json!({ "name": "Ada" })).await;
    let investor = crm.app.colleague("investor").await;
    let path = format!("/api/templates/{template}/preview");
    let variables = json!({ "1": { "field": "name" } });
    let of_one = json!({ "variables": variables, "contactId": contact });
    investor.client.post_json(&path, of_one.clone()).await.problem(StatusCode::NOT_FOUND, "contact-not-found");
    let of_several = json!({ "variables": variables, "contactIds": [contact] });
    investor.client.post_json(&format!("{path}/contacts"), of_several).await.problem(StatusCode::NOT_FOUND, "contact-not-found");
    let without = json!({ "variables": { "1": "you" } });
    let _ = investor.client.post_json(&path, without).await.expect(StatusCode::OK);
    let _ = crm.app.post_json(&path, of_one).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_change_that_is_being_written_can_be_shown_before_it_is_sent() {
    let crm = CrmApp::start().await;
    let template = a_template(&crm, json!([{ "type": "BODY", "text": "The first text." }])).await;
    let path = format!("/api/templates/{template}/preview");
    let body = async |draft: bool| -> Value {
        crm.app.post_json(&path, json!({ "draft": draft })).await.expect(StatusCode::OK).json::<Value>()["body"].take()
    };
    assert_eq!(body(true).await, "The first text.", "what the provider never took is its own draft");
    let mut owner = crm.app.database.owner().await;
    sqlx::query("update templates set status = 'APPROVED', provider_id = '1'").execute(&mut owner).await.expect("the database answers");
    let asked = json!({ "draft": true });
    crm.app.post_json(&path, asked).await.problem(StatusCode::NOT_FOUND, "template-draft-not-found");
    let change = json!({ "components": [{ "type": "BODY", "text": "The second text." }] });
    let _ = crm.app.put_json(&format!("/api/templates/{template}"), change).await.expect(StatusCode::OK);
    assert_eq!((body(false).await, body(true).await), (json!("The first text."), json!("The second text.")));
}
