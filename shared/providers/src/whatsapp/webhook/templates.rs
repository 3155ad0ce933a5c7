//! News of templates. Each names its template by id; what it says of it beyond that may be missing.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::{Entry, number, parsed};
use crate::whatsapp::lenient::Text;

/// A template has a new status.
#[derive(Clone, Debug)]
pub struct TemplateStatusUpdate<'a> {
    /// The account it belongs to.
    pub waba_id: Option<Cow<'a, str>>,
    /// The provider's id of the template.
    pub template_id: Cow<'a, str>,
    /// Name of the template.
    pub name: Option<Cow<'a, str>>,
    /// Language as it came; `en_US` and `en-US` both occur.
    pub language: Option<Cow<'a, str>>,
    /// Category of the template.
    pub category: Option<Cow<'a, str>>,
    /// `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, …; letter case varies.
    pub event: Cow<'a, str>,
    /// Why; `NONE` occurs.
    pub reason: Option<Cow<'a, str>>,
    /// When the provider said it, in Unix seconds by its clock.
    pub at: Option<i64>,
    /// Which pause it is: `FIRST_PAUSE`, `SECOND_PAUSE`, `RATE_LIMITING_PAUSE`, `UNPAUSE` or `DISABLED`.
    pub pause_title: Option<Cow<'a, str>>,
    /// The pause in words.
    pub pause_description: Option<Cow<'a, str>>,
    /// When it was or will be disabled, as it came.
    pub disable_date: Option<Cow<'a, str>>,
    /// What the review found.
    pub rejection: Option<TemplateRejection<'a>>,
    /// The update as it came.
    pub raw: &'a RawValue,
}

/// What a review found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRejection<'a> {
    /// What is wrong, in words.
    pub reason: Option<Cow<'a, str>>,
    /// What would be better, in words.
    pub recommendation: Option<Cow<'a, str>>,
}

/// Recipients take a template better or worse.
#[derive(Clone, Debug)]
pub struct TemplateQualityUpdate<'a> {
    /// The account it belongs to.
    pub waba_id: Option<Cow<'a, str>>,
    /// The provider's id of the template.
    pub template_id: Cow<'a, str>,
    /// Name of the template.
    pub name: Option<Cow<'a, str>>,
    /// Language as it came.
    pub language: Option<Cow<'a, str>>,
    /// What it was: `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub previous: Option<Cow<'a, str>>,
    /// What it is.
    pub new: Cow<'a, str>,
    /// When the provider said it, in Unix seconds by its clock.
    pub at: Option<i64>,
}

/// A template has another category, or will have.
#[derive(Clone, Debug)]
pub struct TemplateCategoryUpdate<'a> {
    /// The account it belongs to.
    pub waba_id: Option<Cow<'a, str>>,
    /// The provider's id of the template.
    pub template_id: Cow<'a, str>,
    /// Name of the template.
    pub name: Option<Cow<'a, str>>,
    /// Language as it came.
    pub language: Option<Cow<'a, str>>,
    /// What changes.
    pub change: CategoryChange<'a>,
    /// When the provider said it, in Unix seconds by its clock.
    pub at: Option<i64>,
}

/// What changes of a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CategoryChange<'a> {
    /// It will change, a day later as a rule.
    Announced {
        /// The category as it is.
        current: Option<Cow<'a, str>>,
        /// The category that it will have.
        correct: Cow<'a, str>,
        /// When, in Unix seconds.
        from: Option<i64>,
    },
    /// It has changed.
    Done {
        /// The category that it had.
        previous: Option<Cow<'a, str>>,
        /// The category that it has.
        new: Cow<'a, str>,
    },
}

/// The content of a template changed at the provider. Not all components are told: read the template for the rest.
#[derive(Clone, Debug)]
pub struct TemplateComponentsUpdate<'a> {
    /// The account it belongs to.
    pub waba_id: Option<Cow<'a, str>>,
    /// The provider's id of the template.
    pub template_id: Cow<'a, str>,
    /// Name of the template.
    pub name: Option<Cow<'a, str>>,
    /// Language as it came.
    pub language: Option<Cow<'a, str>>,
    /// Text of the header.
    pub title: Option<Cow<'a, str>>,
    /// Text of the body.
    pub body: Option<Cow<'a, str>>,
    /// Text of the footer.
    pub footer: Option<Cow<'a, str>>,
    /// The buttons.
    pub buttons: Vec<TemplateButton<'a>>,
    /// When the provider said it, in Unix seconds by its clock.
    pub at: Option<i64>,
}

/// A button of a template whose content changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateButton<'a> {
    /// `URL`, `PHONE_NUMBER`, `QUICK_REPLY`, …
    pub kind: Option<Cow<'a, str>>,
    /// Its label.
    pub text: Option<Cow<'a, str>>,
    /// Where it leads.
    pub url: Option<Cow<'a, str>>,
    /// Whom it calls.
    pub phone_number: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the provider names them so")]
struct RawTemplate<'a> {
    #[serde(borrow, default)]
    message_template_id: Text<'a>,
    #[serde(borrow, default)]
    message_template_name: Text<'a>,
    #[serde(borrow, default)]
    message_template_language: Text<'a>,
}

#[derive(Deserialize)]
struct RawStatus<'a> {
    #[serde(borrow, default)]
    event: Text<'a>,
    #[serde(borrow, default)]
    message_template_category: Text<'a>,
    #[serde(borrow, default)]
    reason: Text<'a>,
    #[serde(borrow, default)]
    disable_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    other_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    rejection_info: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct RawDisable<'a> {
    #[serde(borrow, default)]
    disable_date: Text<'a>,
}

#[derive(Default, Deserialize)]
struct RawPause<'a> {
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
}

#[derive(Deserialize)]
struct RawRejection<'a> {
    #[serde(borrow, default)]
    reason: Text<'a>,
    #[serde(borrow, default)]
    recommendation: Text<'a>,
}

#[derive(Deserialize)]
struct RawQuality<'a> {
    #[serde(borrow, default)]
    previous_quality_score: Text<'a>,
    #[serde(borrow, default)]
    new_quality_score: Text<'a>,
}

#[derive(Deserialize)]
struct RawCategory<'a> {
    #[serde(borrow, default)]
    previous_category: Text<'a>,
    #[serde(borrow, default)]
    new_category: Text<'a>,
    #[serde(borrow, default)]
    correct_category: Text<'a>,
    #[serde(borrow, default)]
    category_update_timestamp: Text<'a>,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the provider names them so")]
struct RawComponents<'a> {
    #[serde(borrow, default)]
    message_template_title: Text<'a>,
    #[serde(borrow, default)]
    message_template_element: Text<'a>,
    #[serde(borrow, default)]
    message_template_footer: Text<'a>,
    #[serde(borrow, default)]
    message_template_buttons: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the provider names them so")]
struct RawButton<'a> {
    #[serde(borrow, default)]
    message_template_button_type: Text<'a>,
    #[serde(borrow, default)]
    message_template_button_text: Text<'a>,
    #[serde(borrow, default)]
    message_template_button_url: Text<'a>,
    #[serde(borrow, default)]
    message_template_button_phone_number: Text<'a>,
}

/// The template that an update names, by a non-empty id.
fn template(raw: &RawValue) -> Option<(Cow<'_, str>, RawTemplate<'_>)> {
    let mut template: RawTemplate<'_> = parsed(raw)?;
    let id = template.message_template_id.0.take().filter(|id| !id.is_empty())?;
    Some((id, template))
}

/// A word that says something.
fn word(text: Text<'_>) -> Option<Cow<'_, str>> {
    text.0.filter(|text| !text.trim().is_empty())
}

pub(super) fn status<'a>(entry: &Entry<'a>, raw: &'a RawValue) -> Option<TemplateStatusUpdate<'a>> {
    let (template_id, template) = template(raw)?;
    let update: RawStatus<'a> = parsed(raw)?;
    let pause: RawPause<'a> = update.other_info.and_then(parsed).unwrap_or_default();
    let disable: RawDisable<'a> = update.disable_info.and_then(parsed).unwrap_or_default();
    let rejection = update.rejection_info.and_then(parsed::<RawRejection<'a>>);
    Some(TemplateStatusUpdate {
        waba_id: entry.waba_id.clone(),
        template_id,
        name: template.message_template_name.0,
        language: template.message_template_language.0,
        category: word(update.message_template_category),
        event: word(update.event)?,
        reason: update.reason.0,
        at: entry.time,
        pause_title: word(pause.title),
        pause_description: word(pause.description),
        disable_date: word(disable.disable_date),
        rejection: rejection
            .map(|found| TemplateRejection { reason: word(found.reason), recommendation: word(found.recommendation) })
            .filter(|found| found.reason.is_some() || found.recommendation.is_some()),
        raw,
    })
}

pub(super) fn quality<'a>(entry: &Entry<'a>, raw: &'a RawValue) -> Option<TemplateQualityUpdate<'a>> {
    let (template_id, template) = template(raw)?;
    let update: RawQuality<'a> = parsed(raw)?;
    Some(TemplateQualityUpdate {
        waba_id: entry.waba_id.clone(),
        template_id,
        name: template.message_template_name.0,
        language: template.message_template_language.0,
        previous: word(update.previous_quality_score),
        new: word(update.new_quality_score)?,
        at: entry.time,
    })
}

pub(super) fn category<'a>(entry: &Entry<'a>, raw: &'a RawValue) -> Option<TemplateCategoryUpdate<'a>> {
    let (template_id, template) = template(raw)?;
    let update: RawCategory<'a> = parsed(raw)?;
    let new = word(update.new_category);
    let change = match (word(update.correct_category), new) {
        // Here, what is called new is the category that it still has.
        (Some(correct), current) => CategoryChange::Announced { current, correct, from: number(&update.category_update_timestamp) },
        (None, Some(new)) => CategoryChange::Done { previous: word(update.previous_category), new },
        (None, None) => return None,
    };
    Some(TemplateCategoryUpdate {
        waba_id: entry.waba_id.clone(),
        template_id,
        name: template.message_template_name.0,
        language: template.message_template_language.0,
        change,
        at: entry.time,
    })
}

pub(super) fn components<'a>(entry: &Entry<'a>, raw: &'a RawValue) -> Option<TemplateComponentsUpdate<'a>> {
    let (template_id, template) = template(raw)?;
    let update: RawComponents<'a> = parsed(raw)?;
    let buttons = update.message_template_buttons.and_then(parsed::<Vec<&'a RawValue>>).unwrap_or_default();
    Some(TemplateComponentsUpdate {
        waba_id: entry.waba_id.clone(),
        template_id,
        name: template.message_template_name.0,
        language: template.message_template_language.0,
        title: update.message_template_title.0,
        body: update.message_template_element.0,
        footer: update.message_template_footer.0,
        buttons: buttons.into_iter().filter_map(button).collect(),
        at: entry.time,
    })
}

fn button(raw: &RawValue) -> Option<TemplateButton<'_>> {
    let button: RawButton<'_> = parsed(raw)?;
    Some(TemplateButton {
        kind: word(button.message_template_button_type),
        text: word(button.message_template_button_text),
        url: word(button.message_template_button_url),
        phone_number: word(button.message_template_button_phone_number),
    })
}
