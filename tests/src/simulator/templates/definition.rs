//! A template as its business wrote it, in Meta's spelling.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Category;

/// What a creation or an edit says of a template.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) category: String,
    #[serde(default = "positional")]
    pub(crate) parameter_format: String,
    #[serde(default)]
    pub(crate) components: Value,
    #[serde(default)]
    pub(crate) message_send_ttl_seconds: Option<i64>,
}

fn positional() -> String {
    "POSITIONAL".to_owned()
}

impl Definition {
    /// Puts words into Meta's spelling and samples into their lists; labels and texts stay.
    pub(crate) fn normalise(&mut self) {
        self.category.make_ascii_uppercase();
        self.parameter_format.make_ascii_uppercase();
        normalise_components(&mut self.components);
    }

    /// The category; unknown ones count as marketing.
    pub(crate) fn category(&self) -> Category {
        match self.category.as_str() {
            "UTILITY" => Category::Utility,
            "AUTHENTICATION" => Category::Authentication,
            _ => Category::Marketing,
        }
    }

    /// Whether its variables have names instead of numbers.
    pub(crate) fn named(&self) -> bool {
        self.parameter_format == "NAMED"
    }

    /// The component of a kind.
    pub(crate) fn component(&self, kind: &str) -> Option<&Map<String, Value>> {
        component(&self.components, kind)
    }

    /// The components of each card of a carousel.
    pub(crate) fn cards(&self) -> impl Iterator<Item = &Value> {
        let cards = self.component("CAROUSEL").and_then(|carousel| carousel.get("cards")).and_then(Value::as_array);
        cards.into_iter().flatten().map(|card| &card["components"])
    }

    /// The kind of media and the sample of each header that has them, those of cards included.
    pub(crate) fn samples_of_media(&self) -> Vec<(&str, &str)> {
        let headers = std::iter::once(&self.components).chain(self.cards()).filter_map(|components| component(components, "HEADER"));
        headers
            .filter_map(|header| {
                let sample = header.get("example")?.get("header_handle")?.get(0)?.as_str()?;
                Some((header.get("format")?.as_str()?, sample))
            })
            .collect()
    }
}

/// The first component of a kind in a list of components.
pub(crate) fn component<'a>(components: &'a Value, kind: &str) -> Option<&'a Map<String, Value>> {
    let components = components.as_array()?.iter().filter_map(Value::as_object);
    components.into_iter().find(|component| component.get("type").and_then(Value::as_str) == Some(kind))
}

/// The buttons of a list of components.
pub(crate) fn buttons(components: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let buttons = component(components, "BUTTONS").and_then(|buttons| buttons.get("buttons")).and_then(Value::as_array);
    buttons.into_iter().flatten().filter_map(Value::as_object)
}

/// A text of an object; empty when there is none.
pub(crate) fn text_of<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn normalise_components(components: &mut Value) {
    for component in components.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        upper(component, "type");
        upper(component, "format");
        let is = |kind: &str| component.get("type").and_then(Value::as_str) == Some(kind);
        if is("HEADER") && !component.contains_key("format") && component.get("text").is_some_and(Value::is_string) {
            component.insert("format".to_owned(), "TEXT".into());
        }
        if let Some(rows) = component.get_mut("example").and_then(|example| example.get_mut("body_text")) {
            let flat = rows.as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_string));
            if flat {
                *rows = json!([rows.take()]);
            }
        }
        for button in component.get_mut("buttons").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
            for name in ["type", "otp_type", "flow_action"] {
                upper(button, name);
            }
            let listed = matches!(button.get("type").and_then(Value::as_str), Some("URL" | "COPY_CODE"));
            if let Some(example) = button.get_mut("example").filter(|example| listed && example.is_string()) {
                *example = json!([example.take()]);
            }
        }
        for card in component.get_mut("cards").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(components) = card.get_mut("components") {
                normalise_components(components);
            }
        }
    }
}

fn upper(object: &mut Map<String, Value>, name: &str) {
    if let Some(Value::String(word)) = object.get_mut(name) {
        word.make_ascii_uppercase();
    }
}
