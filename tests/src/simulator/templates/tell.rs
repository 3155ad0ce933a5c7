//! Webhooks about templates.
//!
//! # Source
//! Meta, WhatsApp Business Platform, "Webhooks": `message_template_status_update`, `message_template_quality_update`,
//! `template_category_update`, `message_template_components_update`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    Template, TemplateStatus,
    definition::{buttons, component, text_of},
    listing,
    review::News,
};
use crate::simulator::provider::Provider;

impl Provider {
    /// Tells what happened to a template.
    pub(super) fn tell_news(&self, template: &Template, news: &News) {
        let (field, value) = match news {
            News::Status { event, title } => ("message_template_status_update", status_update(template, event, *title, self.clock.now())),
            News::Quality { previous } => (
                "message_template_quality_update",
                about(template, json!({ "previous_quality_score": previous, "new_quality_score": template.quality })),
            ),
            News::CategoryAnnounced { at } => (
                "template_category_update",
                // Meta's names: `new_category` is the present one here.
                about(
                    template,
                    json!({
                        "correct_category": template.correct_category,
                        "new_category": template.definition.category,
                        "category_update_timestamp": at.div_euclid(1_000),
                    }),
                ),
            ),
            News::CategoryChanged { previous } => (
                "template_category_update",
                about(template, json!({ "previous_category": previous, "new_category": template.definition.category })),
            ),
        };
        self.tell_of_template(template, field, &value);
    }

    /// Tells the components after an edit was approved.
    pub(super) fn tell_components(&self, template: &Template) {
        self.tell_of_template(template, "message_template_components_update", &components_update(template));
    }

    fn tell_of_template(&self, template: &Template, field: &str, value: &Value) {
        let faults = self.faults();
        if faults.template.webhooks_off || !self.webhooks.wanted(&faults.webhook) {
            return;
        }
        let entry = self.webhooks.entry(&template.account, field, value);
        self.webhooks.tell_later(&entry, Duration::from_millis(faults.webhook.delay_ms));
    }
}

/// Adds which template it is about.
fn about(template: &Template, mut value: Value) -> Value {
    value["message_template_id"] = template.id.into();
    value["message_template_name"] = template.definition.name.as_str().into();
    value["message_template_language"] = template.definition.language.as_str().into();
    value
}

fn status_update(template: &Template, event: &str, title: Option<&str>, now: DateTime<Utc>) -> Value {
    let reason = template.reason.as_deref().unwrap_or("NONE");
    let mut value = about(template, json!({ "event": event, "message_template_category": template.definition.category, "reason": reason }));
    if let Some(title) = title {
        value["other_info"] = json!({ "title": title, "description": "Decided by the quality of the template." });
    }
    if event == TemplateStatus::Rejected.name() {
        value["rejection_info"] = json!({ "reason": reason, "recommendation": "Edit the template and submit it again." });
    }
    if event == TemplateStatus::Disabled.name() {
        value["disable_info"] = json!({ "disable_date": now.date_naive().to_string() });
    }
    value
}

fn components_update(template: &Template) -> Value {
    let components = listing::components(template);
    let text = |kind: &str| component(&components, kind).map(|part| text_of(part, "text")).filter(|text| !text.is_empty());
    let mut value = about(template, json!({}));
    for (name, kind) in [("message_template_title", "HEADER"), ("message_template_element", "BODY"), ("message_template_footer", "FOOTER")]
    {
        if let Some(text) = text(kind) {
            value[name] = text.into();
        }
    }
    let buttons: Vec<Value> = buttons(&components).map(button_update).collect();
    if !buttons.is_empty() {
        value["message_template_buttons"] = buttons.into();
    }
    value
}

fn button_update(button: &Map<String, Value>) -> Value {
    let parts = ["type", "text", "url", "phone_number"].into_iter().filter_map(|name| {
        let value = button.get(name).filter(|value| value.is_string())?;
        Some((format!("message_template_button_{name}"), value.clone()))
    });
    Value::Object(parts.collect())
}
