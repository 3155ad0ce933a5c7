//! Templates as the API shows them, and as tests count them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{Category, Template, TemplateStatus, definition::text_of};
use crate::simulator::faults::stable_hash;

/// Fields shown when none are asked for.
pub(crate) const DEFAULT_FIELDS: &str =
    "id,name,parameter_format,components,language,status,category,previous_category,correct_category,message_send_ttl_seconds";

/// A template as this simulator knows it, deleted ones included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateEntry {
    /// Its id.
    pub id: String,
    /// The business account it belongs to.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Its category.
    pub category: String,
    /// Its components, as they were written last.
    pub components: Value,
    /// Where it stands; `DELETED` when it is gone.
    pub status: String,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// Its quality.
    pub quality: String,
    /// 1, and one more for each edit.
    pub versions: u32,
    /// How often it was paused.
    pub pauses: u32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Calls about templates, earlier starts included. A call whose answer was cut was executed all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateCalls {
    /// Creations executed.
    pub created: u64,
    /// Edits executed.
    pub edited: u64,
    /// Deletions executed.
    pub deleted: u64,
    /// Calls to unpause executed.
    pub unpaused: u64,
    /// Listings answered.
    pub listed: u64,
    /// Single templates read.
    pub read: u64,
    /// Calls of all these kinds refused.
    pub refused: u64,
}

impl Template {
    /// The template as the API shows it, all fields.
    pub(crate) fn describe(&self) -> Value {
        let mut template = json!({
            "id": self.id.to_string(),
            "name": self.definition.name,
            "language": self.definition.language,
            "category": self.definition.category,
            "parameter_format": self.definition.parameter_format,
            "components": components(self),
            "status": self.status,
            "quality_score": { "score": self.quality, "date": self.created.div_euclid(1_000) },
            "rejected_reason": self.reason.as_deref().filter(|_| self.status == TemplateStatus::Rejected).unwrap_or("NONE"),
        });
        let optional = [
            ("message_send_ttl_seconds", self.definition.message_send_ttl_seconds.map(Value::from)),
            ("previous_category", self.previous_category.as_deref().map(Value::from)),
            ("correct_category", self.correct_category.as_deref().map(Value::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                template[name] = value;
            }
        }
        template
    }

    /// The template as tests count it.
    pub(crate) fn entry(&self) -> TemplateEntry {
        let instant = |millis: i64| DateTime::from_timestamp_millis(millis).unwrap_or_default();
        TemplateEntry {
            id: self.id.to_string(),
            account: self.account.clone(),
            name: self.definition.name.clone(),
            language: self.definition.language.clone(),
            category: self.definition.category.clone(),
            components: self.definition.components.clone(),
            status: self.status.name().to_owned(),
            reason: self.reason.clone(),
            quality: self.quality.clone(),
            versions: self.version,
            pauses: self.pauses,
            created_at: instant(self.created),
            deleted_at: self.deleted.map(instant),
        }
    }
}

/// The components as they are shown: samples of media are links, and templates for codes have the provider's texts.
pub(super) fn components(template: &Template) -> Value {
    let mut components = template.definition.components.clone();
    show(&mut components);
    if template.definition.category() == Category::Authentication {
        show_one_time_code(&mut components);
    }
    components
}

fn show(components: &mut Value) {
    for component in components.as_array_mut().into_iter().flatten() {
        if let Some(handles) = component.pointer_mut("/example/header_handle").and_then(Value::as_array_mut) {
            for handle in handles {
                *handle = link_of(handle.as_str().unwrap_or_default()).into();
            }
        }
        for card in component.get_mut("cards").and_then(Value::as_array_mut).into_iter().flatten() {
            show(&mut card["components"]);
        }
    }
}

/// Where the sample of a handle can be seen.
fn link_of(handle: &str) -> String {
    let number = stable_hash(handle);
    format!("https://scontent.whatsapp.net/v/t61.29466-34/{}_n?ccb=1-7&_nc_sid=8b1bef&oh={number:016x}", number % 1_000_000_000)
}

fn show_one_time_code(components: &mut Value) {
    let mut minutes = None;
    for component in components.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        match text_of(component, "type") {
            "BODY" => {
                let advice = component.get("add_security_recommendation") == Some(&Value::Bool(true));
                let advice = if advice { " For your security, do not share this code." } else { "" };
                component.insert("text".to_owned(), format!("*{{{{1}}}}* is your verification code.{advice}").into());
                component.insert("example".to_owned(), json!({ "body_text": [["123456"]] }));
            }
            "FOOTER" => {
                minutes = component.get("code_expiration_minutes").and_then(Value::as_i64);
                let text = format!("This code expires in {} minutes.", minutes.unwrap_or_default());
                component.insert("text".to_owned(), text.into());
            }
            _ => {}
        }
    }
    for component in components.as_array_mut().into_iter().flatten() {
        for button in component.get_mut("buttons").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
            *button = code_button(button, minutes);
        }
    }
}

/// The button of a code as a link to WhatsApp's own page.
fn code_button(button: &Map<String, Value>, minutes: Option<i64>) -> Map<String, Value> {
    let kind = text_of(button, "otp_type");
    let mut url = Url::parse("https://www.whatsapp.com/otp/code/").expect("a well-formed address");
    url.query_pairs_mut().append_pair("otp_type", kind);
    if let Some(minutes) = minutes {
        url.query_pairs_mut().append_pair("code_expiration_minutes", &minutes.to_string());
    }
    if kind != "COPY_CODE" {
        let label = button.get("autofill_text").and_then(Value::as_str).unwrap_or("Autofill");
        url.query_pairs_mut().append_pair("cta_display_name", label);
        for app in button.get("supported_apps").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| app[name].as_str().unwrap_or_default().to_owned();
            let app = [("package_name", text("package_name")), ("signature_hash", text("signature_hash"))];
            url.query_pairs_mut().extend_pairs(app);
        }
    }
    let url = format!("{url}&code=otp");
    let label = button.get("text").and_then(Value::as_str).unwrap_or("Copy code");
    let shown = json!({ "type": "URL", "text": label, "url": format!("{url}{{{{1}}}}"), "example": [format!("{url}123456")] });
    if let Value::Object(shown) = shown { shown } else { Map::new() }
}
