//! The stored content, and texts with placeholders.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use super::CompileError;

#[derive(Deserialize)]
pub(super) struct Content {
    pub(super) name: String,
    pub(super) language: Language,
    #[serde(default, rename = "parameterFormat", alias = "parameter_format")]
    pub(super) parameter_format: Option<ParameterFormat>,
    #[serde(default, deserialize_with = "components")]
    pub(super) components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Language {
    Code(String),
    Object { code: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ParameterFormat {
    #[serde(alias = "positional")]
    Positional,
    #[serde(alias = "named")]
    Named,
}

/// What only the preview or the samples need is read as it comes: a template is not unsendable for it.
#[derive(Deserialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) format: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) buttons: Vec<Button>,
    #[serde(default)]
    pub(super) cards: Vec<Card>,
    #[serde(default)]
    pub(super) limited_time_offer: Option<Offer>,
    #[serde(default)]
    pub(super) add_security_recommendation: Value,
    #[serde(default)]
    pub(super) code_expiration_minutes: Value,
    #[serde(default)]
    pub(super) example: Value,
}

#[derive(Deserialize)]
pub(super) struct Card {
    #[serde(default, deserialize_with = "components")]
    pub(super) components: Vec<Component>,
}

#[derive(Deserialize)]
pub(super) struct Offer {
    #[serde(default, deserialize_with = "text")]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) has_expiration: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Button {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) text: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) url: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) phone_number: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) otp_type: Option<String>,
    #[serde(default)]
    pub(super) flow_id: Value,
    #[serde(default)]
    pub(super) flow_name: Value,
    #[serde(default)]
    pub(super) example: Value,
}

/// Lists and objects that components of one kind have. In those of other kinds nobody looks, so there they may be anything.
const OWN_FIELDS: [(&str, &str); 3] = [("buttons", "BUTTONS"), ("cards", "CAROUSEL"), ("limited_time_offer", "LIMITED_TIME_OFFER")];

fn components<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Component>, D::Error> {
    let component = |mut value: Value| {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        if let Some(fields) = value.as_object_mut() {
            for (field, _) in OWN_FIELDS.iter().filter(|(_, owner)| kind != *owner) {
                fields.remove(*field);
            }
        }
        Component::deserialize(value).map_err(D::Error::custom)
    };
    Vec::<Value>::deserialize(deserializer)?.into_iter().map(component).collect()
}

/// A text; anything else counts as none. Where a text is needed the rules ask for it, and elsewhere nobody looks.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

impl Button {
    /// Authentication templates: created with an `OTP` button, listed later with a link button to WhatsApp's own code page.
    pub(super) fn is_one_time_code(&self) -> bool {
        self.kind.eq_ignore_ascii_case("OTP") || self.url.as_deref().is_some_and(|url| url.starts_with("https://www.whatsapp.com/otp/"))
    }
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text as it is.
    Literal(String),
    /// What stands between `{{` and `}}`.
    Placeholder(String),
}

/// Splits a text at its placeholders and checks their names against the format.
pub(super) fn parts(text: &str, format: ParameterFormat) -> Result<Vec<Part>, CompileError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, behind) = after.split_once("}}").ok_or_else(|| CompileError::Placeholder(format!("{{{{{after}")))?;
        let name = inside.trim();
        let fits = match format {
            ParameterFormat::Positional => name.parse::<u8>().is_ok_and(|number| number > 0),
            ParameterFormat::Named => {
                name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                    && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            }
        };
        if !fits {
            return Err(CompileError::Placeholder(format!("{{{{{inside}}}}}")));
        }
        if !before.is_empty() {
            parts.push(Part::Literal(before.to_owned()));
        }
        parts.push(Part::Placeholder(name.trim_start_matches('0').to_owned()));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Ok(parts)
}

/// The distinct placeholders: in order of number, which must run from 1 without a gap, or in order of appearance for names.
pub(super) fn placeholders(parts: &[Part], format: ParameterFormat) -> Result<Vec<String>, CompileError> {
    let mut names: Vec<String> = Vec::new();
    for part in parts {
        if let Part::Placeholder(name) = part
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    if format == ParameterFormat::Positional {
        names.sort_by_key(|name| name.parse::<u8>().unwrap_or(u8::MAX));
        if let Some(gap) = names.iter().zip(1..).find(|(name, number)| **name != i32::to_string(number)) {
            return Err(CompileError::Gap { expected: gap.1 });
        }
    }
    Ok(names)
}
