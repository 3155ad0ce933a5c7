//! A starter, and how its parts become components.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::templates::model::{Category, ParameterFormat};

/// A template to begin with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Starter {
    key: String,
    category: String,
    title: String,
    description: String,
    /// Minutes for which a code is good: with codes only, whose text is the provider's.
    code_expiration_minutes: Option<u8>,
    buttons: Vec<Button>,
    languages: BTreeMap<String, Words>,
}

/// A button, without its label.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
enum Button {
    QuickReply,
    Url { url: String, example: Option<String> },
    CopyCode { example: String },
    Otp { otp_type: String },
}

/// What differs by language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    header: Option<String>,
    body: Option<String>,
    footer: Option<String>,
    /// Labels, of the buttons that have one.
    buttons: Vec<String>,
    /// A sample for each variable of the body.
    #[serde(default)]
    samples: BTreeMap<String, String>,
}

impl Starter {
    pub(super) fn read(file: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(file)
    }

    /// Names it; also the name of a draft that is given no other.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What it is for.
    pub fn category(&self) -> Category {
        Category::from_word(&self.category).expect("a test looks at the category of each")
    }

    /// What it is called, in English.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it does, in English.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// How its variables are written: by name, but for codes, whose text is not ours.
    pub fn parameter_format(&self) -> ParameterFormat {
        if self.category() == Category::Authentication { ParameterFormat::Positional } else { ParameterFormat::Named }
    }

    /// Languages it is written in.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.keys().map(String::as_str)
    }

    /// Its components in a language, or in that language without its country; none when it is not written in it.
    pub fn components(&self, language: &str) -> Option<Value> {
        let general = || self.languages.get(language.split('_').next()?);
        self.languages.get(language).or_else(general).map(|words| self.with(words))
    }

    fn with(&self, words: &Words) -> Value {
        let mut components = Vec::new();
        components.extend(words.header.as_ref().map(|text| json!({ "type": "HEADER", "format": "TEXT", "text": text })));
        components.push(match &words.body {
            Some(text) if words.samples.is_empty() => json!({ "type": "BODY", "text": text }),
            Some(text) => {
                let samples: Vec<Value> =
                    words.samples.iter().map(|(name, sample)| json!({ "param_name": name, "example": sample })).collect();
                json!({ "type": "BODY", "text": text, "example": { "body_text_named_params": samples } })
            }
            None => json!({ "type": "BODY", "add_security_recommendation": true }),
        });
        components.extend(words.footer.as_ref().map(|text| json!({ "type": "FOOTER", "text": text })));
        components.extend(self.code_expiration_minutes.map(|minutes| json!({ "type": "FOOTER", "code_expiration_minutes": minutes })));
        let mut labels = words.buttons.iter();
        let buttons: Vec<Value> = self.buttons.iter().map(|button| button.with(&mut labels)).collect();
        if !buttons.is_empty() {
            components.push(json!({ "type": "BUTTONS", "buttons": buttons }));
        }
        components.into()
    }

    /// How many labels each language needs.
    #[cfg(test)]
    pub(super) fn labels_fit(&self) -> bool {
        let needed = self.buttons.iter().filter(|button| !matches!(button, Button::CopyCode { .. })).count();
        self.languages.values().all(|words| words.buttons.len() == needed)
    }
}

impl Button {
    fn with<'a>(&self, labels: &mut impl Iterator<Item = &'a String>) -> Value {
        match self {
            Self::CopyCode { example } => json!({ "type": "COPY_CODE", "example": [example] }),
            Self::QuickReply => json!({ "type": "QUICK_REPLY", "text": labels.next() }),
            Self::Otp { otp_type } => json!({ "type": "OTP", "otp_type": otp_type, "text": labels.next() }),
            Self::Url { url, example: None } => json!({ "type": "URL", "text": labels.next(), "url": url }),
            Self::Url { url, example: Some(example) } => {
                json!({ "type": "URL", "text": labels.next(), "url": url, "example": [example] })
            }
        }
    }
}
