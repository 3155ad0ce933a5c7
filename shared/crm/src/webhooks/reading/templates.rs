//! What a body says of templates.

use std::borrow::Cow;

use providers::whatsapp::webhook::{
    CategoryChange, TemplateCategoryUpdate, TemplateComponentsUpdate, TemplateQualityUpdate, TemplateStatusUpdate,
};
use serde_json::{Map, Value};

use super::{LONGEST_NAME, LONGEST_REASON, Reading, TemplateRead, instant, kept};
use crate::templates::news::Told;

/// How an update names its template.
struct Named<'a> {
    account: Option<&'a Cow<'a, str>>,
    id: &'a str,
    name: Option<&'a Cow<'a, str>>,
    language: Option<&'a Cow<'a, str>>,
    at: Option<i64>,
}

macro_rules! named {
    ($update:expr) => {
        Named {
            account: $update.waba_id.as_ref(),
            id: &$update.template_id,
            name: $update.name.as_ref(),
            language: $update.language.as_ref(),
            at: $update.at,
        }
    };
}

impl Reading {
    pub(super) fn template_status(&mut self, update: &TemplateStatusUpdate<'_>) -> bool {
        let says = |text: &&Cow<'_, str>| !text.is_empty() && !text.eq_ignore_ascii_case("none");
        let told = |text: Option<&Cow<'_, str>>| text.filter(says).map(|text| kept(text, LONGEST_REASON));
        let rejection = update.rejection.as_ref();
        let mut details = Map::new();
        for (name, text) in [
            ("pause", told(update.pause_title.as_ref())),
            ("description", told(update.pause_description.as_ref())),
            ("disableDate", told(update.disable_date.as_ref())),
            ("rejection", told(rejection.and_then(|rejection| rejection.reason.as_ref()))),
            ("recommendation", told(rejection.and_then(|rejection| rejection.recommendation.as_ref()))),
        ] {
            if let Some(text) = text {
                details.insert(name.to_owned(), text.into());
            }
        }
        // Of a pause, the title says which one it is; that a template is active again needs no reason.
        let approved = update.event.eq_ignore_ascii_case("APPROVED");
        let reason = told(update.reason.as_ref()).or_else(|| told(update.pause_title.as_ref()).filter(|_| !approved));
        let status = kept(&update.event, LONGEST_NAME);
        self.template(&named!(update), Told::Status { status, reason, details: Value::Object(details) })
    }

    pub(super) fn template_quality(&mut self, update: &TemplateQualityUpdate<'_>) -> bool {
        self.template(&named!(update), Told::Quality { quality: kept(&update.new, LONGEST_NAME) })
    }

    pub(super) fn template_category(&mut self, update: &TemplateCategoryUpdate<'_>) -> bool {
        let told = match &update.change {
            CategoryChange::Announced { correct, from, .. } => {
                Told::CategoryAnnounced { category: kept(correct, LONGEST_NAME), from: instant(*from) }
            }
            CategoryChange::Done { new, .. } => Told::CategoryChanged { category: kept(new, LONGEST_NAME) },
        };
        self.template(&named!(update), told)
    }

    pub(super) fn template_components(&mut self, update: &TemplateComponentsUpdate<'_>) -> bool {
        self.template(&named!(update), Told::Content)
    }

    fn template(&mut self, named: &Named<'_>, told: Told) -> bool {
        let Some(account) = named.account else { return false };
        let business_account_id = kept(account, LONGEST_NAME);
        self.accounts.insert(business_account_id.clone());
        let text = |text: Option<&Cow<'_, str>>| text.map(|text| kept(text, LONGEST_NAME));
        self.templates.push(TemplateRead {
            business_account_id,
            provider_id: kept(named.id, LONGEST_NAME),
            name: text(named.name),
            language: text(named.language),
            at: instant(named.at),
            told,
        });
        true
    }
}
