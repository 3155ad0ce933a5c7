//! Every kind of template through the whole product: written here, approved by the provider, sent by a campaign, and taken in Meta's sending form.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::world::World;

struct Kind {
    name: &'static str,
    category: &'static str,
    components: Value,
    /// Of the campaign. What it leaves out is optional.
    variables: Value,
}

fn kinds() -> Vec<Kind> {
    let marketing = |name, components, variables| Kind { name, category: "MARKETING", components, variables };
    let body = json!({ "type": "BODY", "text": "Hello {{1}}, have a look at this.", "example": { "body_text": [["Ada"]] } });
    let plain = json!({ "type": "BODY", "text": "Have a look at this." });
    let button = |button: Value| json!({ "type": "BUTTONS", "buttons": [button] });
    let card = |text: &str| {
        json!({ "components": [
            { "type": "HEADER", "format": "PRODUCT" },
            { "type": "BODY", "text": text, "example": { "body_text": [["5 €"]] } },
            { "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "Buy", "url": "https://example.com/{{1}}", "example": ["https://example.com/x"] }] },
        ] })
    };
    let name = json!({ "field": "name", "fallback": "there" });
    vec![
        marketing(
            "place",
            json!([{ "type": "HEADER", "format": "LOCATION" }, body, button(json!({ "type": "FLOW", "text": "Sign up", "flow_id": "826" }))]),
            json!({ "1": name, "header.location.latitude": { "value": "52.52" }, "header.location.longitude": { "value": "13.405" },
                    "header.location.name": { "value": "Berlin" }, "button.0.flow_token": { "field": "attributes.token" } }),
        ),
        marketing("catalog", json!([body, button(json!({ "type": "CATALOG", "text": "View catalog" }))]), json!({ "1": name })),
        marketing(
            "picture_of_catalog",
            json!([plain, button(json!({ "type": "CATALOG", "text": "View catalog" }))]),
            json!({ "button.0.thumbnail_product_retailer_id": { "value": "SKU1" } }),
        ),
        marketing(
            "products",
            json!([{ "type": "HEADER", "format": "TEXT", "text": "Your cart" }, plain, button(json!({ "type": "MPM", "text": "View items" }))]),
            json!({ "button.0.thumbnail_product_retailer_id": { "value": "SKU1" }, "button.0.section_title": { "value": "Bundles" },
                    "button.0.product_retailer_ids": { "value": "SKU1, SKU2" } }),
        ),
        marketing(
            "ending_offer",
            json!([
                { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Expiring offer!", "has_expiration": true } },
                body,
                { "type": "BUTTONS", "buttons": [
                    { "type": "COPY_CODE", "example": ["CARIBE25"] },
                    { "type": "URL", "text": "Book now!", "url": "https://example.com/offers?code={{1}}", "example": ["https://example.com/offers?code=x"] },
                ] },
            ]),
            json!({ "1": name, "limited_time_offer.expiration_time_ms": { "value": "1893456000000" },
                    "button.0.1": { "value": "CARIBE25" }, "button.1.1": { "field": "name", "fallback": "x" } }),
        ),
        marketing(
            "cards",
            json!([body, { "type": "CAROUSEL", "cards": [card("Rome for {{1}} today"), card("Paris for {{1}} today")] }]),
            json!({ "1": name,
                    "card.0.header.product_retailer_id": { "value": "SKU1" }, "card.0.header.catalog_id": { "value": "194836987003835" },
                    "card.0.1": { "value": "5 €" }, "card.0.button.0.1": { "value": "rome" },
                    "card.1.header.product_retailer_id": { "value": "SKU2" }, "card.1.header.catalog_id": { "value": "194836987003835" },
                    "card.1.1": { "field": "name", "fallback": "6 €" }, "card.1.button.0.1": { "value": "paris" } }),
        ),
        marketing(
            "call",
            json!([body, { "type": "BUTTONS", "buttons": [
                { "type": "QUICK_REPLY", "text": "Stop" },
                { "type": "VOICE_CALL", "text": "Call us" },
                { "type": "PHONE_NUMBER", "text": "Phone", "phone_number": "+49 30 123" },
            ] }]),
            json!({ "1": name }),
        ),
        Kind {
            name: "code",
            category: "AUTHENTICATION",
            components: json!([
                { "type": "BODY", "add_security_recommendation": true },
                { "type": "FOOTER", "code_expiration_minutes": 5 },
                { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] },
            ]),
            variables: json!({ "1": { "value": "123456" } }),
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_sends_every_kind_of_template() {
    let world = World::start().await;
    world.contacts(2).await;
    let channel = world.channel(1_000).await;
    let kinds = kinds();
    let mut templates = Vec::new();
    for kind in &kinds {
        let draft = json!({ "channelId": channel, "name": kind.name, "language": "en_US", "category": kind.category, "components": kind.components });
        let created: Value = world.app.post_json("/api/templates", draft).await.expect(StatusCode::CREATED).json();
        let catalog = kind.name.starts_with("catalog");
        let optional = created["optionalVariables"].as_array().expect("a list");
        assert!(!catalog || optional.contains(&json!("button.0.thumbnail_product_retailer_id")), "{}: {created}", kind.name);
        let path = format!("/api/templates/{}", created["id"].as_str().expect("an id"));
        world.app.post(&format!("{path}/submit")).await.expect(StatusCode::ACCEPTED);
        templates.push((created["id"].clone(), path));
    }
    for (kind, (template, path)) in kinds.iter().zip(&templates) {
        world.wait_for(path, "status", &["APPROVED"]).await;
        let campaign = json!({ "name": kind.name, "channelId": channel, "templateId": template, "audience": { "tags": ["spring"] },
                               "variables": kind.variables });
        let campaign: Value = world.app.post_json("/api/campaigns", campaign).await.expect(StatusCode::CREATED).json();
        let campaign = campaign["id"].as_str().expect("an id");
        world.app.post(&format!("/api/campaigns/{campaign}/send")).await.expect(StatusCode::ACCEPTED);
        let figures = world.finished(campaign).await;
        assert_eq!((&figures["state"], &figures["accepted"]), (&json!("completed"), &json!(2)), "{}: {figures}", kind.name);
    }
    assert_eq!(world.simulator.messages().len(), 2 * kinds.len());
}
