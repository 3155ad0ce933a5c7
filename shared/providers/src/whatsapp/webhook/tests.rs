mod templates;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn envelope(field: &str, value: &Value) -> String {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "WABA", "time": 1, "changes": [{"value": value, "field": field}]}]})
        .to_string()
}

fn messages(value: &Value) -> String {
    let mut value = value.clone();
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "1", "phone_number_id": "PN"});
    envelope("messages", &value)
}

/// What the events are, in short.
fn kinds(body: &str) -> Vec<String> {
    Webhook::parse(body.as_bytes())
        .unwrap()
        .events()
        .map(|event| match event {
            Event::Status(status) => format!("status {} {:?}", status.provider_id, status.status),
            Event::Message(message) => format!("message {} {}", message.provider_id, message.kind.unwrap_or_default()),
            Event::Template(update) => format!("template {} {}", update.template_id, update.event),
            Event::TemplateQuality(update) => format!("quality {} {}", update.template_id, update.new),
            Event::TemplateCategory(update) => format!("category {} {:?}", update.template_id, update.change),
            Event::TemplateComponents(update) => format!("components {}", update.template_id),
            Event::Other { field, .. } => format!("other {field}"),
        })
        .collect()
}

#[test]
fn a_status_is_read_whole() {
    let body = messages(&json!({"statuses": [{
        "id": "wamid.1", "status": "failed", "timestamp": "1750000000", "recipient_id": "4915", "recipient_user_id": "DE.1",
        "biz_opaque_callback_data": "opaque",
        "errors": [{"code": 131_049, "title": "T", "message": "M", "error_data": {"details": "D"}, "href": "/x"}, "odd", {"code": "7"}],
        "pricing": {"billable": true}, "new_field": {"a": [1]},
    }]}));
    let webhook = Webhook::parse(body.as_bytes()).unwrap();
    let status = webhook.statuses().next().unwrap();
    assert_eq!(status.phone_number_id.as_deref(), Some("PN"));
    assert_eq!(status.provider_id, "wamid.1");
    assert_eq!(status.status, DeliveryStatus::Failed);
    assert_eq!(status.timestamp, Some(1_750_000_000));
    assert_eq!(status.opaque.as_deref(), Some("opaque"));
    assert_eq!(status.recipient.as_deref(), Some("4915"));
    assert_eq!(status.recipient_user_id.as_deref(), Some("DE.1"));
    assert_eq!(status.errors.len(), 2);
    assert_eq!(status.errors[0].code, Some(131_049));
    assert_eq!(status.errors[0].title.as_deref(), Some("T"));
    assert_eq!(status.errors[0].details.as_deref(), Some("D"));
    assert_eq!(status.errors[1].code, Some(7));
    assert_eq!(status.pricing.map(RawValue::get), Some(r#"{"billable":true}"#));
}

#[test]
fn every_status_is_known_or_named() {
    for (name, status) in [
        ("sent", DeliveryStatus::Sent),
        ("delivered", DeliveryStatus::Delivered),
        ("read", DeliveryStatus::Read),
        ("played", DeliveryStatus::Played),
        ("failed", DeliveryStatus::Failed),
        ("warning", DeliveryStatus::Unknown(Cow::Borrowed("warning"))),
    ] {
        let body = messages(&json!({"statuses": [{"id": "w", "status": name, "timestamp": 7}]}));
        let webhook = Webhook::parse(body.as_bytes()).unwrap();
        let update = webhook.statuses().next().unwrap();
        assert_eq!((update.status, update.timestamp), (status, Some(7)), "{name}");
    }
}

#[test]
fn batches_come_out_in_order_and_odd_ones_harm_nobody() {
    let body = messages(&json!({
        "statuses": [{"id": "a", "status": "sent"}, 7, {"id": "b"}, {"id": ["x"], "status": "sent"}, {"id": "c", "status": "read", "timestamp": {}, "errors": 1}],
        "messages": [{"id": "m", "type": "text", "from": "49", "text": {"body": "hi"}}, null],
    }));
    assert_eq!(
        kinds(&body),
        ["status a Sent", "other messages", "other messages", "other messages", "status c Read", "message m text", "other messages"]
    );
}

#[test]
fn an_inbound_message_keeps_its_raw_form() {
    let message =
        r#"{ "from":"4915", "from_user_id":"DE.1","id":"wamid.M","timestamp":"5","type":"text","text":{"body":"\ud83d \u0041"} }"#;
    let body = format!(
        r#"{{"entry":[{{"changes":[{{"value":{{"messages":[{message}],"contacts":[{{"profile":{{"name":"A"}}}}],"metadata":{{"phone_number_id":"PN"}}}},"field":"messages"}}]}}]}}"#
    );
    let webhook = Webhook::parse(body.as_bytes()).unwrap();
    let Some(Event::Message(inbound)) = webhook.events().next() else { panic!("no message") };
    assert_eq!(inbound.raw.get(), message);
    assert_eq!(inbound.contacts.map(RawValue::get), Some(r#"[{"profile":{"name":"A"}}]"#));
    assert_eq!((inbound.from.as_deref(), inbound.from_user_id.as_deref(), inbound.timestamp), (Some("4915"), Some("DE.1"), Some(5)));
    assert_eq!(inbound.phone_number_id.as_deref(), Some("PN"));
}

#[test]
fn a_template_update_names_its_template() {
    let body = envelope(
        "message_template_status_update",
        &json!({"event": "PAUSED", "message_template_id": 900_719_925_474_099_300_i64, "message_template_name": "n", "message_template_language": "en-US", "reason": null}),
    );
    let webhook = Webhook::parse(body.as_bytes()).unwrap();
    let Some(Event::Template(update)) = webhook.events().next() else { panic!("no update") };
    assert_eq!(update.waba_id.as_deref(), Some("WABA"));
    assert_eq!(update.template_id, "900719925474099300");
    assert_eq!(
        (update.event.as_ref(), update.name.as_deref(), update.language.as_deref(), update.reason),
        ("PAUSED", Some("n"), Some("en-US"), None)
    );
}

#[test]
fn other_fields_come_out_by_name() {
    assert_eq!(kinds(&envelope("account_update", &json!({"event": "X"}))), ["other account_update"]);
    assert_eq!(kinds(&envelope("calls", &json!({"statuses": [{"id": "x", "status": "RINGING", "type": "call"}]}))), ["other calls"]);
    assert_eq!(kinds(&messages(&json!({"errors": [{"code": 130_429}]}))), ["other messages"]);
    assert_eq!(kinds(&envelope("messages", &json!("text"))), ["other messages"]);
    assert_eq!(kinds(&envelope("message_template_status_update", &json!({"event": "APPROVED"}))), ["other message_template_status_update"]);
}

#[test]
fn odd_envelopes_are_errors_or_others() {
    for body in ["", "{", "7", "null", r#"{"entry":7}"#, r#"{"entry":[}"#, "\u{feff}{}"] {
        assert!(Webhook::parse(body.as_bytes()).is_err(), "{body}");
    }
    assert!(Webhook::parse(&[0xff, 0xfe]).is_err());
    assert!(Webhook::parse("[".repeat(100_000).as_bytes()).is_err());
    assert_eq!(kinds("{}"), [""; 0]);
    assert_eq!(
        kinds(r#"{"entry":[7,{"changes":[7,{"field":"x"},{"field":7,"value":null}]},{"id":1,"id":2}]}"#),
        ["other ", "other ", "other ", "other 7", "other "]
    );
}

/// Any JSON, with our keys among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("messages")),
        Just(json!("sent")),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "entry",
            "changes",
            "field",
            "value",
            "id",
            "statuses",
            "messages",
            "metadata",
            "phone_number_id",
            "status",
            "errors",
            "code",
            "error_data",
            "details",
            "timestamp",
            "contacts",
            "event",
            "message_template_id",
            "time",
            "new_quality_score",
            "new_category",
            "correct_category",
            "category_update_timestamp",
            "other_info",
            "disable_info",
            "rejection_info",
            "message_template_buttons",
            "pricing",
            "type",
            "from",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(webhook) = Webhook::parse(&body) {
            webhook.events().for_each(drop);
        }
    }

    #[test]
    fn arbitrary_json_never_panics(value in any_json()) {
        for body in [value.to_string(), envelope("messages", &value), envelope("message_template_status_update", &value), envelope("message_template_quality_update", &value),
            envelope("template_category_update", &value), envelope("message_template_components_update", &value), { let mut both = json!({}); both["statuses"] = value.clone(); both["messages"] = json!([value]); messages(&both) }] {
            if let Ok(webhook) = Webhook::parse(body.as_bytes()) {
                webhook.events().for_each(drop);
            }
        }
    }

    #[test]
    fn a_damaged_webhook_never_panics(at in 0_usize..400, byte in any::<u8>()) {
        let mut body = messages(&json!({"statuses": [{"id": "a", "status": "sent", "timestamp": "1", "errors": [{"code": 1}]}], "messages": [{"id": "m"}]})).into_bytes();
        let length = body.len();
        body[at % length] = byte;
        if let Ok(webhook) = Webhook::parse(&body) {
            webhook.events().for_each(drop);
        }
    }
}
