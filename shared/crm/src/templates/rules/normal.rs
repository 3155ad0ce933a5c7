//! One form for what may be written in several.

use serde_json::{Value, json};

/// Puts types and formats into upper case, as the provider shows them, and samples into the form that it documents. Labels and texts stay.
pub fn normalised(mut components: Value) -> Value {
    each(Some(&mut components), component);
    components
}

fn component(value: &mut Value) {
    upper(value, "type");
    upper(value, "format");
    let is_header = value.get("type").is_some_and(|kind| kind == "HEADER");
    if is_header
        && let Some(fields) = value.as_object_mut()
        && fields.contains_key("text")
    {
        fields.entry("format").or_insert_with(|| "TEXT".into());
    }
    if let Some(samples) = value.pointer_mut("/example/body_text") {
        let is_row = samples.as_array().is_some_and(|row| !row.is_empty() && row.iter().all(Value::is_string));
        if is_row {
            *samples = json!([samples.take()]);
        }
    }
    each(value.get_mut("buttons"), button);
    each(value.get_mut("cards"), |card| each(card.get_mut("components"), card_component));
}

/// A card has no cards of its own: nothing is followed deeper than this.
fn card_component(value: &mut Value) {
    if value.get("cards").is_none() {
        component(value);
    }
}

fn button(value: &mut Value) {
    for field in ["type", "otp_type", "flow_action"] {
        upper(value, field);
    }
    let has_sample = value.get("type").is_some_and(|kind| kind == "URL" || kind == "COPY_CODE");
    if has_sample && let Some(sample) = value.get_mut("example").filter(|sample| sample.is_string()) {
        *sample = json!([sample.take()]);
    }
}

fn each(list: Option<&mut Value>, change: fn(&mut Value)) {
    list.and_then(Value::as_array_mut).into_iter().flatten().for_each(change);
}

fn upper(value: &mut Value, field: &str) {
    if let Some(text) = value.get_mut(field)
        && let Some(word) = text.as_str()
    {
        *text = word.to_ascii_uppercase().into();
    }
}
